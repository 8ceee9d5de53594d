package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.bellwether.simulation.benchmark.JudgementLedger.Differences;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalGateway;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import dev.bellwether.standalone.LocalServer;
import dev.bellwether.standalone.LocalStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Judgements come while gateway, stream, broker and Redis are killed in turn, the broker is away for a while, and what the
 * gateway keeps on its disk meanwhile is full once. In the end every 202 is there once, nothing else is, and the pairs are
 * those that follow from the records.
 */
final class FeedbackSoak {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String BOT = "support";
    private static final int JUDGES = 24;
    private static final int PER_SECOND = 500;
    private static final int CHATTERS = 2;
    private static final int JUDGED_AT_MOST = 20;
    private static final Duration TRY_AGAIN = Duration.ofMillis(200);
    private static final Duration CAUGHT_UP_WITHIN = Duration.ofMinutes(5);
    private static final List<String> JUDGEMENTS = List.of(
            "{\"kind\":\"preference\",\"chosen\":0}",
            "{\"kind\":\"preference\",\"chosen\":1}",
            "{\"kind\":\"preference\",\"chosen\":\"tie\"}",
            "{\"kind\":\"thumb\",\"value\":\"up\",\"choice\":0}",
            "{\"kind\":\"thumb\",\"value\":\"down\",\"choice\":1}",
            "{\"kind\":\"rating\",\"value\":4}");

    private final Path home;
    private final Path scratch;
    private final Duration time;
    private final PrintWriter out;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(2))
            .build();
    private final JudgementLedger ledger = new JudgementLedger();
    private final BlockingQueue<Reply> replies = new LinkedBlockingQueue<>(4_096);
    private final Semaphore pace = new Semaphore(0);
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong unanswered = new AtomicLong();
    private final AtomicLong givenUp = new AtomicLong();
    private final ConcurrentLinkedQueue<Chat> chats = new ConcurrentLinkedQueue<>();
    private volatile boolean gatewayAway;
    private volatile boolean kafkaAway;
    private final AtomicLong asked = new AtomicLong();

    /** A reply that may be judged, and how often it was. */
    private record Reply(String token, int judged) {}

    /** An answer's body, if one came, and whether it is what was wanted. */
    private record Answer(boolean right, JsonNode body) {}

    /** How long a chat took, while what was away. */
    private record Chat(long millis, boolean withoutKafka, boolean answered) {}

    FeedbackSoak(Path home, Path scratch, Duration time, PrintWriter out) {
        this.home = home;
        this.scratch = scratch;
        this.time = time;
        this.out = out;
    }

    BenchmarkReport run() throws IOException, InterruptedException {
        Files.createDirectories(scratch);
        Duration away = time.compareTo(Duration.ofMinutes(5)) < 0 ? Duration.ofSeconds(12) : Duration.ofMinutes(2);
        // It is full before the broker is back.
        long spoolBytes = Math.max(2 << 20, away.toSeconds() * PER_SECOND * 250);
        try (LocalKafka kafka = LocalKafka.start(scratch.resolve("kafka"));
                LocalRedis redis = LocalRedis.start(scratch.resolve("redis"));
                DataFolder folder = prepare();
                LocalGateway gateway = LocalGateway.start(
                        new LocalGateway.Surroundings(
                                home,
                                folder,
                                kafka.bootstrapServers(),
                                redis.url(),
                                Map.of("BELLWETHER_SPOOL_MAX", spoolBytes / 1_000_000 + "MB")),
                        List.of());
                LocalStream stream = LocalStream.start(home, folder, kafka.bootstrapServers())) {
            List<Thread> clients = clients(gateway.port(), folder.apiKey());
            disturb(kafka, redis, gateway, stream, away);
            over.set(true);
            pace.release(1_000_000);
            for (Thread client : clients) {
                client.join();
            }
            Differences differences = settle(kafka.bootstrapServers(), gateway.operatorPort());
            return report(differences);
        }
    }

    private DataFolder prepare() throws IOException {
        Path bots = scratch.resolve("wanted.yaml");
        Files.writeString(bots, """
                bots:
                  %s:
                    champion: default
                    chat: {completion_tokens_max: 8, requests_per_minute: 100000000}
                """.formatted(BOT));
        DataFolder folder = DataFolder.open(scratch.resolve("data"));
        folder.prepare(home, Optional.of(bots));
        return folder;
    }

    private List<Thread> clients(int port, String key) {
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CHATTERS; i++) {
            clients.add(Thread.ofVirtual().start(() -> chat(port, key)));
        }
        for (int i = 0; i < JUDGES; i++) {
            Random random = new Random(i);
            clients.add(Thread.ofVirtual().start(() -> judge(port, random)));
        }
        clients.add(Thread.ofVirtual().start(this::keepPace));
        return clients;
    }

    private void keepPace() {
        try {
            while (!over.get()) {
                pace.release(PER_SECOND / 20);
                Thread.sleep(50);
                if (pace.availablePermits() > PER_SECOND) {
                    pace.drainPermits();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void chat(int port, String key) {
        while (!over.get()) {
            boolean withoutKafka = kafkaAway;
            boolean gatewayThere = !gatewayAway;
            long begin = System.nanoTime();
            Answer reply = send(
                    port, "/v1/chat/completions", key, """
                    {"model":"%s","user":"user-%d","messages":[{"role":"user","content":"Question %s?"}],
                     "bellwether":{"duel":"always"}}
                    """.formatted(BOT, asked.get() % 50, UUID.randomUUID()), "");
            long millis = (System.nanoTime() - begin) / 1_000_000;
            if (gatewayThere && !gatewayAway) {
                chats.add(new Chat(millis, withoutKafka && kafkaAway, reply.right()));
            }
            asked.incrementAndGet();
            String token =
                    reply.body().path("bellwether").path("feedback_token").asText();
            if (!token.isEmpty()) {
                replies.offer(new Reply(token, 0));
            }
            pause(Duration.ofMillis(40));
        }
    }

    /**
     * One judgement after the other of a reply, each until it is answered with 202; but every other one that the gateway says
     * it did not store is never sent again, and must be nowhere.
     */
    private void judge(int port, Random random) {
        while (!over.get()) {
            try {
                pace.acquire();
                Reply reply = replies.poll(1, TimeUnit.SECONDS);
                if (reply != null) {
                    submit(port, reply, JUDGEMENTS.get(random.nextInt(JUDGEMENTS.size())), random.nextBoolean());
                    if (reply.judged() + 1 < JUDGED_AT_MOST) {
                        replies.offer(new Reply(reply.token(), reply.judged() + 1));
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void submit(int port, Reply reply, String judgement, boolean patient) {
        String key = UUID.randomUUID().toString();
        boolean nowhere = true;
        while (true) {
            Answer answer = send(port, "/v1/feedback", reply.token(), judgement, key);
            String id = answer.body().path("feedback_id").asText();
            if (answer.right() && !id.isEmpty()) {
                ledger.accept(id);
                return;
            }
            nowhere &= answer.body().path("code").asText().equals("not_stored");
            if (nowhere && !patient) {
                givenUp.incrementAndGet();
                return;
            }
            pause(TRY_AGAIN);
        }
    }

    private Answer send(int port, String path, String bearer, String body, String idempotencyKey) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port, path)))
                .timeout(Duration.ofSeconds(20))
                .header("authorization", "Bearer " + bearer)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (!idempotencyKey.isEmpty()) {
            request.header("idempotency-key", idempotencyKey);
        }
        try {
            HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() == 200 || response.statusCode() == 202) {
                return new Answer(true, JSON.readTree(response.body()));
            }
            refused.incrementAndGet();
            return new Answer(false, JSON.readTree(response.body()));
        } catch (IOException e) {
            unanswered.incrementAndGet();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return new Answer(false, MissingNode.getInstance());
    }

    private static void pause(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Everything dies in turn, every half a minute; once the broker stays away. */
    private void disturb(LocalKafka kafka, LocalRedis redis, LocalGateway gateway, LocalStream stream, Duration away) {
        long end = System.nanoTime() + time.toNanos();
        Duration between = Duration.ofSeconds(time.compareTo(Duration.ofMinutes(5)) < 0 ? 8 : 30);
        List<LocalServer> turn = List.of(gateway, stream, redis, kafka);
        boolean wasAway = false;
        for (int i = 0; System.nanoTime() + between.toNanos() < end; i++) {
            pause(between);
            LocalServer next = turn.get(i % turn.size());
            boolean staysAway = next == kafka && !wasAway;
            say(next.getClass().getSimpleName() + (staysAway ? " is away for " + away : " is killed"));
            gatewayAway = next == gateway;
            kafkaAway = next == kafka;
            next.kill();
            if (staysAway) {
                pause(away);
                wasAway = true;
            }
            next.restart();
            kafkaAway = false;
            gatewayAway = false;
        }
        pause(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
    }

    private void say(String what) {
        out.printf("%d judgements accepted; %s%n", ledger.accepted(), what);
        out.flush();
    }

    /** Until all is where it belongs, or for as long as that may take. */
    private Differences settle(String kafka, int operatorPort) throws IOException, InterruptedException {
        long end = System.nanoTime() + CAUGHT_UP_WITHIN.toNanos();
        Differences differences = ledger.compare(kafka);
        while (!differences.none() && System.nanoTime() < end) {
            say("waiting: %s, spooled %d".formatted(differences, spooled(operatorPort)));
            pause(Duration.ofSeconds(3));
            differences = ledger.compare(kafka);
        }
        return differences;
    }

    private long spooled(int operatorPort) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/readyz".formatted(operatorPort)))
                .build();
        return JSON.readTree(
                        http.send(request, HttpResponse.BodyHandlers.ofString()).body())
                .path("spooled")
                .asLong();
    }

    private BenchmarkReport report(Differences differences) throws IOException {
        String at = "%d minutes".formatted(Math.max(1, time.toMinutes()));
        List<Figure> figures = new ArrayList<>();
        figures.add(Figure.of("judgements accepted", at, (double) ledger.accepted(), ""));
        figures.add(Figure.of("judgements a second", at, (double) ledger.accepted() / time.toSeconds(), "1/s"));
        none(figures, "202 that are nowhere", differences.lost());
        none(figures, "records that nobody was told of", differences.unknown());
        none(figures, "interactions not as judged", differences.unrated());
        none(figures, "pairs that do not follow", differences.wrongPairs());
        figures.add(Figure.of("not stored, and never sent again", at, (double) givenUp.get(), ""));
        figures.add(Figure.of("answers that sent back", at, (double) refused.get(), ""));
        figures.add(Figure.of("requests without an answer", at, (double) unanswered.get(), ""));
        none(
                figures,
                "chats failed, gateway there",
                chats.stream().filter(chat -> !chat.answered()).count());
        double before = percentile(false);
        double without = percentile(true);
        figures.add(Figure.of("chat p99 while Kafka is away", at, without, "ms")
                .against("else", before)
                .goal("at most 200 ms more", without <= before + 200));
        return new BenchmarkReport(
                "soak feedback",
                Machine.describe(),
                figures,
                List.of(
                        "gateway, stream, Redis and broker were killed in turn; the broker was away once, and the spool full"));
    }

    private static void none(List<Figure> figures, String name, long count) {
        figures.add(Figure.of(name, "in the end", (double) count, "").goal("none", count == 0));
    }

    private double percentile(boolean withoutKafka) {
        long[] millis = chats.stream()
                .filter(chat -> chat.answered() && chat.withoutKafka() == withoutKafka)
                .mapToLong(Chat::millis)
                .sorted()
                .toArray();
        return millis.length == 0 ? 0 : millis[Math.min(millis.length - 1, (int) (millis.length * .99))];
    }
}
