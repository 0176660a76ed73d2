// SPDX-License-Identifier: Apache-2.0
// Count and sum of orders by minute with Kafka Streams, exactly once. Each partition has sums of its own, which are kept in
// Streams' default store and sent on as they change, without a second topic between: less work than with groupBy.
//
// usage: MinuteRevenue BROKERS ORDERS-TOPIC REVENUE-TOPIC MESSAGES FOLDER
//
// Ends once it has sent on what so many messages come to.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

public final class MinuteRevenue implements Processor<byte[], byte[], Long, String> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String STORE = "revenue-by-minute";
    private static final AtomicLong done = new AtomicLong();
    private static final CountDownLatch all = new CountDownLatch(1);
    private static long wanted;

    private final Set<Long> changed = new HashSet<>();
    private ProcessorContext<Long, String> context;
    private KeyValueStore<Long, String> store;
    private long seen;

    @Override
    public void init(ProcessorContext<Long, String> context) {
        this.context = context;
        store = context.getStateStore(STORE);
        context.schedule(Duration.ofMillis(100), PunctuationType.WALL_CLOCK_TIME, now -> sendChanged(now));
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        seen++;
        JsonNode order;
        try {
            order = JSON.readTree(record.value());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        long cents = new BigDecimal(order.get("amount").asText()).movePointRight(2).longValueExact();
        if (order.get("status").textValue().equals("cancelled") || cents <= 0) {
            return;
        }
        long minute = Instant.parse(order.get("timestamp").textValue()).getEpochSecond() / 60;
        String sums = store.get(minute);
        int space = sums == null ? 0 : sums.indexOf(' ');
        long count = sums == null ? 0 : Long.parseLong(sums, 0, space, 10);
        long sum = sums == null ? 0 : Long.parseLong(sums, space + 1, sums.length(), 10);
        store.put(minute, (count + 1) + " " + (sum + cents));
        changed.add(minute);
    }

    private void sendChanged(long now) {
        int partition = context.taskId().partition();
        for (long minute : changed) {
            context.forward(new Record<>(minute, partition + " " + store.get(minute), now));
        }
        changed.clear();
        if (done.addAndGet(seen) >= wanted) {
            all.countDown();
        }
        seen = 0;
    }

    private static Properties properties(String[] arguments) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2]);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put("auto.offset.reset", "earliest");
        return properties;
    }

    public static void main(String[] arguments) throws InterruptedException {
        wanted = Long.parseLong(arguments[3]);
        Topology topology = new Topology();
        topology.addSource("orders", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), arguments[1]);
        topology.addProcessor("sums", MinuteRevenue::new, "orders");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.Long(), Serdes.String())
                .withCachingEnabled(),
            "sums");
        topology.addSink("revenue", arguments[2], Serdes.Long().serializer(), Serdes.String().serializer(), "sums");
        try (KafkaStreams streams = new KafkaStreams(topology, properties(arguments))) {
            streams.start();
            all.await();
        }
        System.exit(0);
    }
}
