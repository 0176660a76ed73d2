/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_fixture.h"

static void first_run_publishes_rows_cut_and_ledger(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    memory_log_begin_at(&world.log, 1, 40);
    order(&world, 0, "a", "2026-01-01T23:59:59Z", "10.00", "paid");
    order(&world, 0, "b", "2026-01-01T00:00:00Z", "0.01", "paid");
    order(&world, 1, "c", "2026-01-02T00:00:00Z", "5", "paid");
    order(&world, 1, "d", "2026-01-02T00:00:00Z", "5", "cancelled");
    memory_log_append(&world.log, 1, "{\"order_id\": 7}", -1);
    follow(&world);
    run_ok(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 2 10.01 5.01\n2026-01-02 00:00:00+00 1 5.00 5.00");
    assert_rows(&world, "select epoch from tidemark.source", "1");
    assert_rows(&world, "select partition, first_offset, ingested, cut from tidemark.partition order by 1",
                "0 0 2 2\n1 40 43 43");
    assert_rows(&world, LEDGER, "5 4 0 0 1");
    assert_rows(&world, "select name, counted, filtered from tidemark.view order by 1",
                "by_category 4 0\ndaily_revenue 3 1");
    assert_rows(&world, "select partition, \"offset\", field, convert_from(payload, 'UTF8') from tidemark.bad",
                "1 42 order_id {\"order_id\": 7}");
    assert_rows(&world, "select outcome, epoch, messages, rows from tidemark.run", "published 1 5 5");
    verify_ok(&world);
    end_world(&world);
}

static void correction_moves_the_amount_to_another_window(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "paid");
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    order(&world, 0, "a", "2026-01-03T12:00:00Z", "7.00", "paid");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 1 1.00 1.00\n2026-01-03 00:00:00+00 1 7.00 7.00");
    assert_rows(&world, LEDGER, "3 2 1 0 0");
    assert_rows(&world, "select moved from tidemark.run order by id", "0\n1");
    assert_rows(&world, "select windows from tidemark.touched where view = 'daily_revenue' and epoch = 2",
                "{1767225600,1767398400}");
    verify_ok(&world);
    end_world(&world);
}

static void cancellation_of_the_only_order_removes_the_row(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "paid");
    follow(&world);
    run_ok(&world);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "cancelled");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, DAILY, "");
    verify_ok(&world);
    end_world(&world);
}

static void run_without_news_opens_and_publishes_nothing(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "paid");
    follow(&world);
    run_ok(&world);
    int64_t epoch = world.realtime->slots[0].epoch;
    run_ok(&world);
    assert_int_equal(world.realtime->slots[0].epoch, epoch);
    assert_rows(&world, "select epoch from tidemark.source", "1");
    assert_rows(&world, "select outcome from tidemark.run order by id", "published\nnothing new");
    end_world(&world);
}

static void messages_after_the_cut_wait_for_the_next_run(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "paid");
    follow(&world);
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    assert_true(ingest_source(&world.batch, world.source, &world.error));
    run_ok(&world);
    assert_rows(&world, "select ingested, cut from tidemark.partition", "2 1");
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 1 10.00 10.00");
    verify_ok(&world);
    follow(&world);
    run_ok(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 2 11.00 5.50");
    verify_ok(&world);
    end_world(&world);
}

static void epoch_left_open_is_published_and_then_the_rest(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "paid");
    follow(&world);
    int64_t cut;
    struct realtime_store *store = &world.realtime->store;
    assert_true(
        store->operations->open_epoch(store, (struct slot_id){"orders", 0}, world.source->fingerprint, 2, &cut, NULL));
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select epoch from tidemark.source", "2");
    assert_rows(&world, "select cut from tidemark.partition", "2");
    verify_ok(&world);
    end_world(&world);
}

static void partition_that_is_not_ready_is_named(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "paid");
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: the speed layer hasn't begun");
    follow(&world);
    memcpy(world.realtime->slots[1].definition, "another", 8);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 1 isn't ready: the speed layer works with another definition");
    follow(&world);
    run_ok(&world);
    order(&world, 1, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    world.realtime->slots[1].format = 99;
    run_fails(&world, ERROR_TRY_AGAIN,
              "partition 1 isn't ready: its slot: it has format 99, and this program knows up");
    world.realtime->slots[1].format = 1;
    run_fails(&world, ERROR_TRY_AGAIN, "partition 1 isn't ready: its slot: it has format 1, and this program writes");
    assert_rows(&world, "select epoch from tidemark.source", "1");
    world.realtime->slots[1].format = REALTIME_FORMAT;
    shared_slots_begin(world.realtime, world.source, 0, 0, 2, 0);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: the speed layer is still rebuilding");
    memcpy(world.realtime->slots[0].cluster, "other", 6);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: its slot was read from another Kafka cluster");
    end_world(&world);
}

static void append_paid_orders(struct world *world, int count)
{
    static int made;
    for (int i = 0; i < count; i++) {
        char id[20];
        snprintf(id, sizeof id, "p%d", ++made);
        order(world, 0, id, "2026-01-01T12:00:00Z", "1.00", "paid");
    }
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

static void order_in_two_partitions_is_counted_with_an_alarm(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    order(&world, 1, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "0");
    order(&world, 1, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    order(&world, 1, "c", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "1");
    order(&world, 0, "c", "2026-01-01T12:00:00Z", "1.00", "paid");
    order(&world, 0, "d", "2026-01-01T12:00:00Z", "1.00", "paid");
    order(&world, 1, "d", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "3");
    verify_ok(&world);
    end_world(&world);
}

static void rows_removed_before_they_are_published_are_missed(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    append_paid_orders(&world, 5);
    memory_log_append(&world.log, 0, "{", NOON_US);
    follow(&world);
    append_paid_orders(&world, 3); /* ingested, and after the cut */
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
    follow(&world);
    run_ok(&world);
    assert_rows(&world, LEDGER, "9 8 0 0 1");
    verify_ok(&world);
    end_world(&world);
}

static void ledger_that_is_closed_in_total_only_is_not_closed(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    order(&world, 1, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    sql(&world, "update tidemark.partition set kept = case partition when 0 then 2 else 0 end");
    order(&world, 0, "c", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_fails(&world, ERROR_DATA,
              "partition 0: the ledger isn't closed and nothing was published: consumed 2, kept 3 + replaced 0");
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

static void assert_stopped_by(struct world *world, struct slot spoilt)
{
    struct slot *slot = &world->realtime->slots[0];
    order(world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(world);
    spoiling = (struct spoiling){*world->log.log.operations, world->log.log.operations, slot, spoilt};
    spoiling.operations.read = read_and_spoil;
    world->log.log.operations = &spoiling.operations;
    run_fails(world, ERROR_TRY_AGAIN,
              "partition 0 isn't ready any more: its slot was lost, or changed to another format");
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
    assert_stopped_by(&world, (struct slot){.exists = false});
    assert_stopped_by(&world, (struct slot){.exists = true, .format = 99, .tail = -1});
    assert_rows(&world, "select epoch from tidemark.source", "0");
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void database_of_an_older_version_is_migrated(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    append_paid_orders(&world, 3);
    memory_log_append(&world.log, 0, "{", NOON_US);
    order(&world, 1, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    sql(&world,
        "alter table tidemark.partition drop column held; alter table tidemark.source drop column split_orders; "
        "alter table tidemark.run drop column moved; alter table tidemark.current_orders drop constraint "
        "current_orders_key, add constraint current_orders_key primary key (tm_partition, tm_key); "
        "delete from tidemark.schema_version where version = 3");
    verify_ok(&world);
    assert_rows(&world, "select partition, held from tidemark.partition order by 1", "0 4\n1 1");
    append_paid_orders(&world, 1);
    follow(&world);
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void run_beside_another_names_its_holder(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    follow(&world);
    run_ok(&world);
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

static void lost_head_of_the_log_is_a_recorded_gap(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    for (int i = 0; i < 30; i++) {
        char id[8];
        snprintf(id, sizeof id, "o%d", i);
        order(&world, 0, id, "2026-01-01T12:00:00Z", "1.00", "paid");
    }
    follow(&world);
    world.log.partitions[0].first = 12;
    run_ok(&world);
    assert_rows(&world, "select partition, from_offset, to_offset from tidemark.gap", "0 0 12");
    assert_rows(&world, "select first_offset, ingested, cut, consumed from tidemark.partition", "0 30 30 18");
    verify_ok(&world);
    end_world(&world);
}

static void assert_published_gaps(struct world *world, size_t count, int64_t from, int64_t to)
{
    struct publication publication;
    assert_true(world->batch.publications->operations->read(world->batch.publications, world->source, &publication,
                                                            &world->error));
    assert_int_equal(publication.gap_count, count);
    if (count) {
        assert_int_equal(publication.gaps[0].range.from, from);
        assert_int_equal(publication.gaps[0].range.to, to);
    }
    assert_int_equal(publication.partitions[0].lost, to);
    publication_clean_up(&publication);
}

static void gap_is_published_until_an_operator_accepts_it(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    append_paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    run_ok(&world);
    assert_published_gaps(&world, 1, 0, 12);
    run_ok(&world);
    assert_published_gaps(&world, 1, 0, 12);
    assert_rows(&world, "select epoch from tidemark.source", "1");
    world.batch.accepts_gaps = true;
    run_ok(&world);
    assert_published_gaps(&world, 0, 0, 12);
    assert_rows(&world, "select epoch, accepted_at is not null from tidemark.source, tidemark.gap", "2 t");
    run_ok(&world);
    assert_rows(&world, "select epoch from tidemark.source", "2");
    world.batch.accepts_gaps = false;
    append_paid_orders(&world, 10);
    world.log.partitions[0].first = 35;
    follow(&world);
    run_ok(&world);
    assert_published_gaps(&world, 1, 30, 35);
    end_world(&world);
}

static void messages_that_were_ingested_before_the_log_lost_them_are_no_gap(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    append_paid_orders(&world, 30);
    assert_true(ingest_source(&world.batch, world.source, &world.error));
    world.log.partitions[0].first = 25;
    follow(&world);
    shared_slots_begin(world.realtime, world.source, 0, 0, 1, 0);
    follow(&world);
    run_ok(&world);
    assert_published_gaps(&world, 0, 0, 0);
    assert_rows(&world, LEDGER, "30 30 0 0 0");
    end_world(&world);
}

static void gap_is_recorded_once_by_a_run_that_died_behind_it(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    append_paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    assert_true(run_and_crash(&world, "after_gap"));
    wait_for_lock(&world);
    world.log.partitions[0].first = 20;
    run_ok(&world);
    assert_rows(&world, "select partition, from_offset, to_offset from tidemark.gap order by 2", "0 0 12\n0 12 20");
    assert_rows(&world, "select ingested, cut, consumed from tidemark.partition", "30 30 10");
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

static void topic_that_was_made_anew_is_refused_before_anything_is_ingested(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    for (int64_t i = 0; i < 10; i++)
        timed_order(&world, "o", NOON_US + i);
    memory_log_append(&world.log, 0, "{", NOON_US + 10000);
    memory_log_append_hole(&world.log, 0);
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select tail_offset, tail_us from tidemark.partition", "10 1767268800010000");
    struct publication publication;
    assert_true(world.batch.publications->operations->read(world.batch.publications, world.source, &publication, NULL));
    assert_true(publication.partitions[0].tail == 10 && publication.partitions[0].tail_time_us == NOON_US + 10000);
    publication_clean_up(&publication);
    timed_order(&world, "p", NOON_US + 12000);
    follow(&world);
    run_ok(&world);
    struct memory_message *tail = &world.log.partitions[0].messages[12];
    timed_order(&world, "q", NOON_US + 13000);
    follow(&world);
    tail->record_time_us += 1000;
    run_fails(&world, ERROR_CONFIGURATION, "offset 12 isn't the one that was ingested");
    assert_rows(&world, "select count(*) from raw.orders", "11");
    tail->record_time_us -= 1000;
    run_ok(&world);
    verify_ok(&world);
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

static void speed_layer_begins_anew_where_the_batch_layer_has_lost_messages(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    append_paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    world.realtime->slots[0].lost = 0;
    run_ok(&world);
    world.batch.ready_wait_ms = 0;
    run_fails(&world, ERROR_TRY_AGAIN, "still rebuilding");
    follow(&world);
    run_ok(&world);
    end_world(&world);
}

static void offsets_without_a_message_are_passed_over(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    memory_log_append_hole(&world.log, 0);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    memory_log_append_hole(&world.log, 0);
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select ingested, cut, consumed from tidemark.partition", "3 3 1");
    verify_ok(&world);
    end_world(&world);
}

static void open_ledger_is_not_published(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    sql(&world, "update view.daily_revenue set tm_count = tm_count + 1");
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_fails(&world, ERROR_DATA, "daily_revenue: counted 1 + filtered 0");
    assert_rows(&world, "select epoch from tidemark.source", "1");
    assert_rows(&world, "select outcome from tidemark.run order by id desc limit 1", "failed");
    end_world(&world);
}

static void view_defined_anew_is_made_anew(void **state)
{
    (void)state;
    static const char other[] = "views:\n"
                                "  daily_revenue:\n"
                                "    source: orders\n"
                                "    window: tumbling 1 day\n"
                                "    dimensions: [status]\n"
                                "    measures: { order_count: count, total_revenue: sum(amount) }\n";
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "2.00", "cancelled");
    follow(&world);
    run_ok(&world);
    configure(&world, default_source, other);
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select status, order_count, total_revenue from view.daily_revenue order by 1",
                "cancelled 1 2.00\npaid 1 1.00");
    assert_rows(&world, "select to_regclass('view.by_category'), count(*) from tidemark.view", "null 1");
    assert_rows(&world, "select windows from tidemark.touched where epoch = 2", "null");
    verify_ok(&world);
    end_world(&world);
}

static void field_that_is_new_gets_a_column_and_a_changed_one_is_refused(void **state)
{
    (void)state;
    char source[sizeof default_source + 40];
    struct world world;
    make_world(&world, 1);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    snprintf(source, sizeof source, "%s      country: text\n", default_source);
    configure(&world, source, default_views);
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "1.00", "paid");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select count(*), count(country) from raw.orders", "2 0");
    verify_ok(&world);
    char *amount = strstr(source, "decimal(2)");
    memcpy(amount, "decimal(1)", 10);
    configure(&world, source, default_views);
    run_fails(&world, ERROR_CONFIGURATION, "field amount is numeric(18,2) in the database and numeric(18,1) in the");
    end_world(&world);
}

static void newer_database_is_refused_with_both_versions(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    follow(&world);
    run_ok(&world);
    sql(&world, "update tidemark.schema_version set version = 99");
    run_fails(&world, ERROR_CONFIGURATION, "schema version 99 and this program knows up to 3");
    sql(&world, "update tidemark.schema_version set version = 1");
    end_world(&world);
}

static void another_cluster_is_refused(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    follow(&world);
    run_ok(&world);
    memcpy(world.log.cluster, "other", 6);
    run_fails(&world, ERROR_CONFIGURATION, "cluster memory and this one is other; check kafka.brokers");
    int32_t count = world.log.partition_count;
    world.log.partition_count = 0; /* nor does it have the topic: the address is what is wrong all the same */
    run_fails(&world, ERROR_CONFIGURATION, "cluster memory and this one is other; check kafka.brokers");
    world.log.partition_count = count;
    end_world(&world);
}

static void first_version_stays_where_duplicates_are_ignored(void **state)
{
    (void)state;
    char source[sizeof default_source];
    memcpy(source, default_source, sizeof source);
    memcpy(strstr(source, "replace"), "ignore ", 7);
    struct world world;
    make_world_with(&world, 1, source, default_views);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "2.00", "paid");
    follow(&world);
    run_ok(&world);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "3.00", "paid");
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "4.00", "paid");
    follow(&world);
    run_ok(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 2 5.00 2.50");
    assert_rows(&world, LEDGER, "4 2 0 2 0");
    verify_ok(&world);
    end_world(&world);
}

static void every_message_counts_where_there_are_no_versions(void **state)
{
    (void)state;
    char source[sizeof default_source];
    memcpy(source, default_source, sizeof source);
    memcpy(strstr(source, "replace"), "none   ", 7);
    struct world world;
    make_world_with(&world, 1, source, default_views);
    for (int i = 0; i < 3; i++) {
        order(&world, 0, "a", "2026-01-01T12:00:00Z", "1.00", "paid");
        follow(&world);
        run_ok(&world);
    }
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 3 3.00 1.00");
    verify_ok(&world);
    end_world(&world);
}

static void text_with_every_special_character_arrives_unchanged(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    memory_log_append(
        &world.log, 0,
        "{\"order_id\": \"a\\\\N\\t\\n\\r\\\\.\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": 1, "
        "\"category\": \"\\\\N\", \"status\": \"\\u00e9'\\\"\"}",
        -1);
    memory_log_append(
        &world.log, 0,
        "{\"order_id\": \"b\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": -1.5, \"status\": null}", -1);
    follow(&world);
    run_ok(&world);
    assert_rows(&world,
                "select order_id = E'a\\\\N\\t\\n\\r\\\\.', category = '\\N', status = E'\\u00e9''\"' from raw.orders "
                "where tm_offset = 0",
                "t t t");
    assert_rows(&world, "select category, status, amount, quantity from raw.orders where tm_offset = 1",
                "null null -1.50 null");
    assert_rows(&world,
                "select category, quantity, order_count, units, mean_units from view.by_category order by 1 nulls "
                "first",
                "null null 1 null null\n\\N null 1 null null");
    verify_ok(&world);
    end_world(&world);
}

static void clock_of_a_partition_does_not_run_ahead_of_its_records(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    memory_log_append(&world.log, 0, "{\"order_id\": \"a\", \"timestamp\": \"2026-01-01T12:30:00Z\", \"amount\": 1}",
                      NOON_US);
    follow(&world);
    run_ok(&world);
    assert_rows(&world, "select clock_us from tidemark.partition", "1767268800000000");
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_run_publishes_rows_cut_and_ledger),
        cmocka_unit_test(correction_moves_the_amount_to_another_window),
        cmocka_unit_test(cancellation_of_the_only_order_removes_the_row),
        cmocka_unit_test(run_without_news_opens_and_publishes_nothing),
        cmocka_unit_test(messages_after_the_cut_wait_for_the_next_run),
        cmocka_unit_test(epoch_left_open_is_published_and_then_the_rest),
        cmocka_unit_test(partition_that_is_not_ready_is_named),
        cmocka_unit_test(topic_that_is_not_there_is_waited_for),
        cmocka_unit_test(order_in_two_partitions_is_counted_with_an_alarm),
        cmocka_unit_test(rows_removed_before_they_are_published_are_missed),
        cmocka_unit_test(ledger_that_is_closed_in_total_only_is_not_closed),
        cmocka_unit_test(slot_that_is_lost_while_its_messages_are_ingested_stops_the_run),
        cmocka_unit_test(database_of_an_older_version_is_migrated),
        cmocka_unit_test(run_beside_another_names_its_holder),
        cmocka_unit_test(lost_head_of_the_log_is_a_recorded_gap),
        cmocka_unit_test(gap_is_published_until_an_operator_accepts_it),
        cmocka_unit_test(messages_that_were_ingested_before_the_log_lost_them_are_no_gap),
        cmocka_unit_test(gap_is_recorded_once_by_a_run_that_died_behind_it),
        cmocka_unit_test(topic_that_was_made_anew_is_refused_before_anything_is_ingested),
        cmocka_unit_test(log_other_than_the_one_the_speed_layer_read_is_refused),
        cmocka_unit_test(speed_layer_begins_anew_where_the_batch_layer_has_lost_messages),
        cmocka_unit_test(offsets_without_a_message_are_passed_over),
        cmocka_unit_test(open_ledger_is_not_published),
        cmocka_unit_test(view_defined_anew_is_made_anew),
        cmocka_unit_test(field_that_is_new_gets_a_column_and_a_changed_one_is_refused),
        cmocka_unit_test(newer_database_is_refused_with_both_versions),
        cmocka_unit_test(another_cluster_is_refused),
        cmocka_unit_test(first_version_stays_where_duplicates_are_ignored),
        cmocka_unit_test(every_message_counts_where_there_are_no_versions),
        cmocka_unit_test(text_with_every_special_character_arrives_unchanged),
        cmocka_unit_test(clock_of_a_partition_does_not_run_ahead_of_its_records),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
