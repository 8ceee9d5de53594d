package dev.bellwether.gateway.bots;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes of memory as people write them: {@code 512MB}, {@code 2GB}; powers of 1 024. */
public final class MemorySize {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,9}) ?(KB|MB|GB)");

    private MemorySize() {}

    /** In bytes. */
    public static long parse(String setting, String size) {
        Matcher parts = SIZE.matcher(size);
        if (!parts.matches()) {
            throw new IllegalArgumentException("%s is written as 512MB or 2GB, not '%s'".formatted(setting, size));
        }
        int shift = switch (parts.group(2)) {
            case "KB" -> 10;
            case "MB" -> 20;
            default -> 30;
        };
        return Long.parseLong(parts.group(1)) << shift;
    }

    public static String text(long bytes) {
        double gigabytes = bytes / (double) (1L << 30);
        return gigabytes >= 1
                ? String.format(Locale.ROOT, "%.1f GB", gigabytes)
                : String.format(Locale.ROOT, "%d MB", bytes >> 20);
    }
}
