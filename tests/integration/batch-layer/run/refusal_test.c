/* SPDX-License-Identifier: Apache-2.0
 * A run that can't be right publishes nothing, and says why. */
#include "batch_fixture.h"
#include "check/repair.h"

static void partition_that_is_not_ready_is_named(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    paid(&world, 0, "a", "10.00");
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: the speed layer hasn't begun");
    follow(&world);
    memcpy(world.realtime->definitions.reader, "another", 8);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: the speed layer works with another definition");
    world.realtime->definitions = (struct slot_definitions){0};
    follow_and_run(&world);
    paid(&world, 1, "b", "1.00");
    world.realtime->slots[1].format = 99;
    run_fails(&world, ERROR_TRY_AGAIN,
              "partition 1 isn't ready: its slot: it has format 99, and this program knows up");
    world.realtime->slots[1].format = 1;
    run_fails(&world, ERROR_TRY_AGAIN, "partition 1 isn't ready: its slot: it has format 1, and this program writes");
    assert_rows(&world, "select epoch from tidemark.source", "1");
    world.realtime->slots[1].format = REALTIME_FORMAT;
    shared_slots_begin(world.realtime, 0, 0, 2, 0);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: the speed layer is still rebuilding");
    memcpy(world.realtime->slots[0].cluster, "other", 6);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: its slot was read from another Kafka cluster");
    end_world(&world);
}

static void topic_that_is_not_there_is_waited_for(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 0);
    run_fails(&world, ERROR_TRY_AGAIN, "topic orders doesn't exist yet");
    assert_rows(&world, "select kind, outcome, message from tidemark.run",
                "run failed source orders: its topic orders doesn't exist yet");
    end_world(&world);
}

static void run_beside_another_names_its_holder(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    follow_and_run(&world);
    PGconn *mine = world.batch.connection;
    world.batch.connection = NULL;
    sql(&world, "select pg_advisory_lock(hashtextextended('tidemark run orders', 0))");
    PGconn *other = world.batch.connection;
    world.batch.connection = mine;
    char process[60];
    snprintf(process, sizeof process, "another run is at work: tidemark-batch pid %d on ", (int)getpid());
    run_fails(&world, ERROR_TRY_AGAIN, process);
    PQfinish(other);
    end_world(&world);
}

/* A log that, whenever it is read, makes the first slot what `spoilt` is. */
static struct spoiling {
    struct event_log_operations operations;
    const struct event_log_operations *before;
    struct slot *slot, spoilt;
} spoiling;

static bool read_and_spoil(struct event_log *log, const char *topic, int32_t partition, int64_t from, int64_t to,
                           int64_t *ret_first_available,
                           bool (*take)(void *context, const struct log_message *message, struct error *error),
                           void *context, struct error *error)
{
    *spoiling.slot = spoiling.spoilt;
    return spoiling.before->read(log, topic, partition, from, to, ret_first_available, take, context, error);
}

static void assert_stopped_by(struct world *world, struct slot spoilt, const char *reason)
{
    char expected[100];
    snprintf(expected, sizeof expected, "partition 0 isn't ready any more: its slot was %s", reason);
    struct slot *slot = &world->realtime->slots[0];
    paid(world, 0, "a", "1.00");
    follow(world);
    spoiling = (struct spoiling){*world->log.log.operations, world->log.log.operations, slot, spoilt};
    spoiling.operations.read = read_and_spoil;
    world->log.log.operations = &spoiling.operations;
    run_fails(world, ERROR_TRY_AGAIN, expected);
    world->log.log.operations = spoiling.before;
    *slot = (struct slot){.exists = false};
    follow(world);
}

/* Nothing would tell any more whether the speed layer read the same log. */
static void slot_that_is_lost_while_its_messages_are_ingested_stops_the_run(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    assert_stopped_by(&world, (struct slot){.exists = false}, "lost, or changed to another format");
    assert_stopped_by(&world, (struct slot){.exists = true, .format = 99, .tail = -1}, "lost, or changed");
    /* As it was before its epoch was opened: begun again, and not behind the message that the cut lies behind. */
    assert_stopped_by(&world, world.realtime->slots[0], "begun again while its messages were ingested");
    assert_rows(&world, "select epoch from tidemark.source", "0");
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void rows_removed_before_they_are_published_are_missed(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 5);
    memory_log_append(&world.log, 0, "{", NOON_US);
    follow(&world);
    paid_orders(&world, 3); /* ingested, and after the cut */
    assert_true(ingest_source(&world.batch, world.source, &world.error));
    sql(&world, "create table raw.kept as select * from raw.orders; delete from raw.orders where tm_offset in (1, 2)");
    run_fails(&world, ERROR_DATA,
              "partition 0: from offset 0 on 9 messages were ingested, and the master dataset holds 7");
    sql(&world, "truncate raw.orders; insert into raw.orders select * from raw.kept; delete from raw.orders where "
                "tm_offset = 7");
    run_fails(&world, ERROR_DATA, "from offset 0 on 9 messages were ingested, and the master dataset holds 8");
    assert_rows(&world, "select epoch from tidemark.source", "0");
    sql(&world, "truncate raw.orders; insert into raw.orders select * from raw.kept");
    run_ok(&world);
    verify_ok(&world);
    follow_and_run(&world);
    assert_rows(&world, LEDGER, "9 8 0 0 1");
    verify_ok(&world);
    end_world(&world);
}

static void open_ledger_is_not_published(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    sql(&world, "update view.daily_revenue set tm_count = tm_count + 1");
    paid(&world, 0, "b", "1.00");
    follow(&world);
    run_fails(&world, ERROR_DATA, "daily_revenue: counted 1 + filtered 0");
    assert_rows(&world, "select epoch from tidemark.source", "1");
    assert_rows(&world, "select outcome from tidemark.run order by id desc limit 1", "failed");
    end_world(&world);
}

static void ledger_that_is_closed_in_total_only_is_not_closed(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    paid(&world, 0, "a", "1.00");
    paid(&world, 1, "b", "1.00");
    follow_and_run(&world);
    sql(&world, "update tidemark.partition set kept = case partition when 0 then 2 else 0 end");
    paid(&world, 0, "c", "1.00");
    follow(&world);
    run_fails(&world, ERROR_DATA,
              "partition 0: the ledger isn't closed and nothing was published: consumed 2, kept 3 + replaced 0");
    end_world(&world);
}

static void timed_order(struct world *world, const char *id, int64_t record_time_us)
{
    char payload[200];
    snprintf(payload, sizeof payload,
             "{\"order_id\": \"%s\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": 1.00, \"status\": \"paid\"}",
             id);
    memory_log_append(&world->log, 0, payload, record_time_us);
}

/* As a database of before messages were hashed. */
static void forget_hashes(struct world *world)
{
    assert_rows(world,
                "with known as (update tidemark.partition set ingested_offset = -1, ingested_us = -1, "
                "ingested_hash = 0 where ingested_hash <> 0 returning 1) select count(*) from known",
                "1");
}

static void topic_that_was_made_anew_is_refused_before_anything_is_ingested(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    for (int64_t i = 0; i < 10; i++)
        timed_order(&world, "o", NOON_US + i);
    memory_log_append(&world.log, 0, "{", NOON_US + 10000);
    memory_log_append_hole(&world.log, 0);
    follow_and_run(&world);
    assert_rows(&world, "select tail_offset, tail_us from tidemark.partition", "10 1767268800010000");
    struct publication publication;
    assert_true(world.batch.publications->operations->read(world.batch.publications, world.source, &publication, NULL));
    assert_true(publication.partitions[0].tail == 10 && publication.partitions[0].tail_time_us == NOON_US + 10000);
    publication_clean_up(&publication);
    timed_order(&world, "p", NOON_US + 12000);
    follow_and_run(&world);
    struct memory_message *tail = &world.log.partitions[0].messages[12];
    timed_order(&world, "q", NOON_US + 13000);
    follow(&world);
    tail->record_time_us += 1000;
    run_fails(&world, ERROR_CONFIGURATION, "offset 12 isn't the one that was ingested");
    forget_hashes(&world);
    run_fails(&world, ERROR_CONFIGURATION, "offset 12 isn't the one that was ingested");
    assert_rows(&world, "select count(*) from raw.orders", "11");
    tail->record_time_us -= 1000;
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void log_that_was_written_on_with_the_same_record_time_is_refused(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    timed_order(&world, "o", NOON_US);
    timed_order(&world, "p", -1);
    follow_and_run(&world);
    char *id = strstr(world.log.partitions[0].messages[1].payload, "\"p\"");
    assert_non_null(id);
    id[1] = 'q';
    timed_order(&world, "r", NOON_US);
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "offset 1 isn't the one that was ingested");
    world.batch.repairs = true;
    assert_false(repair_source(&world.batch, world.source, &world.error));
    assert_non_null(strstr(world.error.message, "the topic isn't the one that was ingested"));
    world.batch.repairs = false;
    id[1] = 'p';
    run_ok(&world);
    end_world(&world);
}

static void log_other_than_the_one_the_speed_layer_read_is_refused(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    for (int64_t i = 0; i < 5; i++)
        timed_order(&world, "o", NOON_US + i);
    follow(&world);
    struct slot *slot = &world.realtime->slots[0];
    slot->tail = 4;
    slot->tail_time_us = NOON_US + 1000000;
    run_fails(&world, ERROR_CONFIGURATION, "offset 4 isn't the one that the speed layer read");
    slot->next = 6;
    run_fails(&world, ERROR_CONFIGURATION, "and the log ends at 5");
    slot->next = 5;
    slot->tail_time_us = world.log.partitions[0].messages[4].record_time_us;
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void take_tail(struct world *world, int64_t offset)
{
    const struct memory_message *last = &world->log.partitions[0].messages[offset];
    const struct log_message message = {
        .offset = offset, .key = text_of("key"), .payload = {last->payload, last->length}};
    struct slot *slot = &world->realtime->slots[0];
    follow(world);
    slot->tail = offset;
    slot->tail_time_us = last->record_time_us;
    slot->tail_hash = log_message_hash(&message);
}

/* The speed layer took b, its epoch was opened behind it, and it goes on in a log that has another b. */
static void log_that_lost_its_end_and_was_written_on_behind_the_cut_is_refused(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "10.00");
    paid(&world, 0, "b", "1.00");
    take_tail(&world, 1);
    run_ok(&world);
    assert_rows(&world, "select last_offset, last_hash <> 0 from tidemark.partition", "1 t");
    paid(&world, 0, "c", "2.00");
    take_tail(&world, 2);
    struct realtime_store *store = &world.realtime->store;
    int64_t cut;
    assert_true(store->operations->open_epoch(store, slot_id_of(world.source, 0), 3, &cut, NULL));
    paid(&world, 0, "d", "3.00");
    take_tail(&world, 3);
    char *amount = strstr(world.log.partitions[0].messages[2].payload, "2.00");
    *amount = '7';
    run_fails(&world, ERROR_CONFIGURATION, "offset 2 isn't the one that the speed layer read: the log lost its end");
    assert_rows(&world, "select epoch, last_offset from tidemark.source, tidemark.partition", "1 1");
    world.batch.repairs = true;
    assert_true(repair_source(&world.batch, world.source, &world.error));
    assert_false(world.realtime->slots[0].exists);
    shared_slots_begin(world.realtime, 0, 0, 2, 2); /* as the speed layer builds it from the log as it is now */
    follow(&world);
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void another_cluster_is_refused(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    follow_and_run(&world);
    memcpy(world.log.cluster, "other", 6);
    run_fails(&world, ERROR_CONFIGURATION, "cluster memory and this one is other; check kafka.brokers");
    int32_t count = world.log.partition_count;
    world.log.partition_count = 0; /* nor does it have the topic: the address is what is wrong all the same */
    run_fails(&world, ERROR_CONFIGURATION, "cluster memory and this one is other; check kafka.brokers");
    world.log.partition_count = count;
    end_world(&world);
}

/* Messages would have gone from between others, and every sum would say that it is complete. */
static void compacted_topic_is_refused_by_every_command_that_reads_it(void **state)
{
    (void)state;
    static const char *const policies[] = {"compact", "compact,delete", "delete,compact"};
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    paid(&world, 0, "b", "1.00");
    follow(&world);
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        char part[100];
        snprintf(part, sizeof part, "the cleanup.policy of its topic orders is %s: compaction removes", policies[i]);
        world.log.policy = policies[i];
        run_fails(&world, ERROR_CONFIGURATION, part);
        assert_false(ingest_source(&world.batch, world.source, &world.error));
        assert_int_equal(world.error.code, ERROR_CONFIGURATION);
        assert_false(verify_source(&world.batch, world.source, &world.error));
        assert_int_equal(world.error.code, ERROR_CONFIGURATION);
        assert_false(repair_source(&world.batch, world.source, &world.error));
        assert_int_equal(world.error.code, ERROR_CONFIGURATION);
    }
    assert_rows(&world, "select epoch, count(*) from tidemark.source, raw.orders group by 1", "1 1");
    world.log.policy = "delete";
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void policy_that_nobody_may_ask_for_is_warned_of_once(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    world.log.policy = NULL;
    follow_and_run(&world);
    assert_true(world.batch.has_warned_of_policy);
    world.log.policy = ""; /* a broker that doesn't know the question */
    paid(&world, 0, "b", "1.00");
    follow_and_run(&world);
    verify_ok(&world);
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partition_that_is_not_ready_is_named),
        cmocka_unit_test(topic_that_is_not_there_is_waited_for),
        cmocka_unit_test(run_beside_another_names_its_holder),
        cmocka_unit_test(slot_that_is_lost_while_its_messages_are_ingested_stops_the_run),
        cmocka_unit_test(rows_removed_before_they_are_published_are_missed),
        cmocka_unit_test(open_ledger_is_not_published),
        cmocka_unit_test(ledger_that_is_closed_in_total_only_is_not_closed),
        cmocka_unit_test(topic_that_was_made_anew_is_refused_before_anything_is_ingested),
        cmocka_unit_test(log_that_was_written_on_with_the_same_record_time_is_refused),
        cmocka_unit_test(log_other_than_the_one_the_speed_layer_read_is_refused),
        cmocka_unit_test(log_that_lost_its_end_and_was_written_on_behind_the_cut_is_refused),
        cmocka_unit_test(another_cluster_is_refused),
        cmocka_unit_test(compacted_topic_is_refused_by_every_command_that_reads_it),
        cmocka_unit_test(policy_that_nobody_may_ask_for_is_warned_of_once),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
