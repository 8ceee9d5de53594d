package dev.bellwether.gateway.journal;

import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records that are durable on this gateway's disk and not yet in Kafka: one table of SQLite, written ahead and forced to
 * the disk with each commit.
 *
 * <p>What was torn by a crash the database mends by itself. What is damaged otherwise is set aside, and what is whole of it
 * goes on.
 */
final class Spool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Spool.class);
    private static final int PAGE_BYTES = 4096;
    private static final String DAMAGED = ".damaged-";

    /** As long as Kafka keeps what a damaged file may still hold: nobody's data lie about for longer. */
    private static final Duration KEPT_ASIDE = Topics.ERASED_WITHIN;

    /** Of SQLite's result codes. */
    private static final int CORRUPT = 11;

    private static final int NO_DATABASE = 26;

    private final Path file;
    private final long bytesMax;
    /** By the clock, so that no id of a spool that is opened later is given out again. */
    private final AtomicLong nextId = new AtomicLong(System.currentTimeMillis() << 10);

    /** None where the disk does not take it: then nothing is spooled, until it does. */
    private @Nullable Connection connection;

    private String closedBecause = "it is not open";
    private volatile long rows;
    private boolean unclean = true;
    private final AtomicLong damaged = new AtomicLong();

    /** @param time when it came, in milliseconds since 1970 */
    record Row(long id, String topic, String key, byte[] value, long time) {
        private long check() {
            CRC32C sum = new CRC32C();
            sum.update(value);
            return sum.getValue();
        }
    }

    private Spool(Path file, long bytesMax) {
        this.file = file;
        this.bytesMax = bytesMax;
    }

    /**
     * A spool, open where its disk takes it.
     *
     * @param bytesMax of its file
     */
    static Spool open(Path file, long bytesMax) {
        Spool spool = new Spool(file, bytesMax);
        if (!spool.open()) {
            LOG.error(
                    "the spool {} cannot be opened: {}; judgements are refused while Kafka is away, until it can",
                    file,
                    spool.closedBecause);
        }
        return spool;
    }

    /** Whether it is open now. */
    synchronized boolean open() {
        if (connection != null) {
            return true;
        }
        try {
            connection = counted(whole());
            return true;
        } catch (SQLException | IOException e) {
            closedBecause = String.valueOf(e.getMessage());
            return false;
        }
    }

    private Connection counted(Connection opened) throws SQLException {
        try (Statement statement = opened.createStatement();
                ResultSet known = statement.executeQuery("SELECT coalesce(max(id), 0), count(*) FROM spool")) {
            known.next();
            long next = known.getLong(1) + 1;
            nextId.updateAndGet(before -> Math.max(before, next));
            rows = known.getLong(2);
        } catch (SQLException e) {
            opened.close();
            throw e;
        }
        try {
            forget(opened);
        } catch (SQLException | IOException e) {
            LOG.warn("what was set aside of {} long ago stays: {}", file, e.getMessage());
        }
        return opened;
    }

    private Connection connection() throws SQLException {
        if (connection == null) {
            throw new SQLException("the spool %s cannot be opened: %s".formatted(file, closedBecause));
        }
        return connection;
    }

    private Connection whole() throws SQLException, IOException {
        try {
            Connection opened = connect();
            if (sound(opened)) {
                return opened;
            }
            return setAside(opened);
        } catch (SQLException e) {
            // A disk that is full or locked is no reason to leave what lies on it behind.
            if (e.getErrorCode() == CORRUPT || e.getErrorCode() == NO_DATABASE) {
                return setAside(null);
            }
            throw e;
        }
    }

    private Connection connect() throws SQLException {
        Connection opened = DriverManager.getConnection("jdbc:sqlite:" + file);
        try (Statement statement = opened.createStatement()) {
            statement.execute("PRAGMA journal_mode = WAL");
            statement.execute("PRAGMA synchronous = FULL");
            // What has left for Kafka is not to be found on the disk either.
            statement.execute("PRAGMA secure_delete = ON");
            statement.execute("PRAGMA max_page_count = " + Math.max(16, bytesMax / PAGE_BYTES));
            statement.execute("CREATE TABLE IF NOT EXISTS spool (id INTEGER PRIMARY KEY, topic TEXT NOT NULL,"
                    + " key TEXT NOT NULL, value BLOB NOT NULL, time INTEGER NOT NULL, sum INTEGER NOT NULL)");
            // What is damaged may lack anything.
            statement.execute("CREATE TABLE IF NOT EXISTS damaged (id INTEGER PRIMARY KEY, topic TEXT, key TEXT,"
                    + " value BLOB, time INTEGER, sum INTEGER)");
            return opened;
        } catch (SQLException e) {
            opened.close();
            throw e;
        }
    }

    private static boolean sound(Connection opened) throws SQLException {
        try (Statement statement = opened.createStatement();
                ResultSet check = statement.executeQuery("PRAGMA quick_check(1)")) {
            return check.next() && check.getString(1).equals("ok");
        }
    }

    /** Deletes what was set aside too long ago. */
    private void forget(Connection opened) throws IOException, SQLException {
        FileTime oldest = FileTime.from(Instant.now().minus(KEPT_ASIDE));
        try (Statement statement = opened.createStatement()) {
            statement.execute("DELETE FROM damaged WHERE time < " + oldest.toMillis());
        }
        Path folder = file.toAbsolutePath().getParent();
        try (Stream<Path> files = Files.list(Objects.requireNonNull(folder))) {
            for (Path each : files.toList()) {
                if (String.valueOf(each.getFileName()).startsWith(file.getFileName() + DAMAGED)
                        && Files.getLastModifiedTime(each).compareTo(oldest) < 0) {
                    Files.delete(each);
                    LOG.info("{} was set aside {} days ago and is deleted", each, KEPT_ASIDE.toDays());
                }
            }
        }
    }

    /** Keeps the damaged file under another name, and goes on with what can be read of it. */
    private Connection setAside(@Nullable Connection broken) throws SQLException, IOException {
        List<Row> saved = new ArrayList<>();
        if (broken != null) {
            try (broken) {
                read(broken, "SELECT id, topic, key, value, time, sum FROM spool ORDER BY id", saved);
            } catch (SQLException e) {
                LOG.warn(
                        "{}: what comes behind row {} cannot be read",
                        file,
                        saved.isEmpty() ? 0 : saved.getLast().id());
            }
        }
        Path aside = file.resolveSibling(file.getFileName() + DAMAGED + System.currentTimeMillis());
        for (String suffix : List.of("", "-wal", "-shm")) {
            Path part = file.resolveSibling(file.getFileName() + suffix);
            if (Files.exists(part)) {
                Files.move(part, aside.resolveSibling(aside.getFileName() + suffix));
            }
        }
        LOG.error("the spool is damaged; it is set aside as {}, {} records of it go on", aside, saved.size());
        damaged.incrementAndGet();
        Connection fresh = connect();
        insert(fresh, saved);
        return fresh;
    }

    long id() {
        return nextId.getAndIncrement();
    }

    /**
     * Takes rows out and others in; when it returns, both are on the disk.
     *
     * @throws SQLException when the spool or the disk is full, or cannot be written; then nothing has changed
     */
    synchronized void write(List<Row> in, Collection<Long> out) throws SQLException {
        // Not by the driver's commits: where the disk is full the database rolls back by itself, and they fail then.
        execute("BEGIN IMMEDIATE");
        try {
            int gone = delete(out);
            insert(connection(), in);
            execute("COMMIT");
            rows += in.size() - gone;
            unclean |= gone > 0;
        } catch (SQLException e) {
            rollBack(e);
            throw e;
        }
    }

    /** Empties the log of an empty spool, in which what has left can still be read. */
    synchronized void clean() throws SQLException {
        if (connection != null && unclean && rows == 0) {
            execute("PRAGMA wal_checkpoint(TRUNCATE)");
            unclean = false;
        }
    }

    private void rollBack(SQLException failure) {
        try {
            execute("ROLLBACK");
        } catch (SQLException e) {
            failure.addSuppressed(e);
        }
    }

    private void execute(String command) throws SQLException {
        try (Statement statement = connection().createStatement()) {
            statement.execute(command);
        }
    }

    private int delete(Collection<Long> out) throws SQLException {
        int gone = 0;
        try (PreparedStatement statement = connection().prepareStatement("DELETE FROM spool WHERE id = ?")) {
            for (long id : out) {
                statement.setLong(1, id);
                gone += statement.executeUpdate();
            }
        }
        return gone;
    }

    private static void insert(Connection into, List<Row> rows) throws SQLException {
        try (PreparedStatement statement = into.prepareStatement(
                "INSERT INTO spool (id, topic, key, value, time, sum) VALUES (?, ?, ?, ?, ?, ?)")) {
            for (Row row : rows) {
                statement.setLong(1, row.id());
                statement.setString(2, row.topic());
                statement.setString(3, row.key());
                statement.setBytes(4, row.value());
                statement.setLong(5, row.time());
                statement.setLong(6, row.check());
                statement.executeUpdate();
            }
        }
    }

    /** The oldest rows behind {@code after}; those that are not what was written are set aside. */
    synchronized List<Row> oldest(long after, int count) throws SQLException {
        List<Row> oldest = new ArrayList<>();
        List<Long> wrong = read(
                connection(),
                "SELECT id, topic, key, value, time, sum FROM spool WHERE id > %d ORDER BY id LIMIT %d"
                        .formatted(after, count),
                oldest);
        if (!wrong.isEmpty()) {
            LOG.error(
                    "{} records of the spool are not what was written; they are kept in its table 'damaged': {}",
                    wrong.size(),
                    wrong);
            putAside(wrong);
        }
        return oldest;
    }

    /** Keeps rows that can never be sent beside the others. */
    synchronized void putAside(List<Long> ids) throws SQLException {
        damaged.addAndGet(ids.size());
        for (long id : ids) {
            execute("INSERT OR REPLACE INTO damaged SELECT * FROM spool WHERE id = " + id);
        }
        write(List.of(), ids);
    }

    /** Adds the rows that are whole; returns the ids of the others. */
    private static List<Long> read(Connection from, String query, List<Row> whole) throws SQLException {
        List<Long> wrong = new ArrayList<>();
        try (Statement statement = from.createStatement();
                ResultSet found = statement.executeQuery(query)) {
            while (found.next()) {
                long id = found.getLong(1);
                String topic = found.getString(2);
                String key = found.getString(3);
                byte[] value = found.getBytes(4);
                Row row = topic == null || key == null || value == null
                        ? null
                        : new Row(id, topic, key, value, found.getLong(5));
                if (row != null && row.check() == found.getLong(6)) {
                    whole.add(row);
                } else {
                    wrong.add(id);
                }
            }
        }
        return wrong;
    }

    long rows() {
        return rows;
    }

    /** Files and records that were set aside since the start. */
    long damaged() {
        return damaged.get();
    }

    long bytesMax() {
        return bytesMax;
    }

    /** Of the file, what is free in it left out. */
    synchronized long bytes() throws SQLException {
        return (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * PAGE_BYTES;
    }

    private long number(String query) throws SQLException {
        try (Statement statement = connection().createStatement();
                ResultSet found = statement.executeQuery(query)) {
            found.next();
            return found.getLong(1);
        }
    }

    @Override
    public synchronized void close() {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            LOG.warn("the spool did not close: {}", e.getMessage());
        }
    }
}
