/* SPDX-License-Identifier: Apache-2.0
 * Two processes that both believe they own a partition, a batch layer and a reader, one step at a time in random order,
 * with crashes, lost replies, and a store that is lost or comes back older. Whenever an answer claims to be complete it
 * equals a recomputation of the log below the offset that it states; and when the faults end, it reaches the end. */
#include "cmocka_test.h"

#include "base/clock.h"
#include "base/zone.h"
#include "partition/partition.h"
#include "memory_realtime.h"
#include "state/fit.h"
#include "state/slot_audit.h"

enum { ID, STATUS, AMOUNT, FIELDS };
enum { MESSAGES_MAX = 400, ORDERS = 12, STEPS = 400, ORDER_APART_S = 300 };

static const struct field fields[FIELDS] = {
    {"id", FIELD_TEXT, 0}, {"status", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};

struct message {
    int order;
    int64_t cents; /* 0 doesn't count */
    bool bad;
    char payload[160];
    int64_t record_time_us;
};

struct world {
    struct arena arena;
    struct zone *zone;
    struct view view;
    struct source source;
    struct memory_realtime realtime, backup;
    struct publication_store publications;
    struct publication published;
    struct published_partition cut;
    struct index_budget budget;
    struct partition_environment environment;
    struct partition *speeds[2];
    struct message log[MESSAGES_MAX];
    int64_t first, end;                    /* of the log */
    int64_t ingested;                      /* by the batch layer, which has accepted the gaps that it found */
    bool lost[MESSAGES_MAX];               /* before they were ingested */
    int64_t run_epoch, run_first, run_cut; /* an unfinished batch run: opened, not published; epoch -1 is none */
    int answers, complete, deferred, gaps;
};

static const int64_t began_us = INT64_C(1700000000000000);

static bool read_publication(struct publication_store *store, const struct source *source,
                             struct publication *ret_publication, struct error *error)
{
    (void)source;
    (void)error;
    struct world *world = (struct world *)(void *)((char *)store - offsetof(struct world, publications));
    *ret_publication = world->published;
    ret_publication->partitions = calloc(1, sizeof world->cut);
    ret_publication->partitions[0] = world->cut;
    ret_publication->partition_count = world->published.epoch > 0;
    return true;
}

static void world_init(struct world *world, enum on_duplicate on_duplicate, int64_t horizon_us)
{
    static const struct publication_store_operations operations = {.read = read_publication};
    struct error error;
    size_t position;
    memset(world, 0, sizeof *world);
    world->source = (struct source){.name = "orders",
                                    .topic = "orders",
                                    .views = &world->view,
                                    .view_count = 1,
                                    .on_duplicate = on_duplicate,
                                    .horizon_us = horizon_us,
                                    .schema = {.fields = fields,
                                               .field_count = FIELDS,
                                               .key = on_duplicate == ON_DUPLICATE_NONE ? FIELD_NONE : ID,
                                               .event_time = "at",
                                               .event_time_unit = TIME_MICROSECONDS,
                                               .max_future_us = 3600 * US_PER_SECOND}};
    assert_true(zone_open("UTC", &world->zone, &error));
    world->view = (struct view){.name = "v",
                                .schema = &world->source.schema,
                                .window = {.length_s = 60},
                                .zone = world->zone,
                                .sums = {AMOUNT},
                                .sum_count = 1};
    assert_true(expression_compile(text_of("status <> 'cancelled' and amount > 0"), &world->source.schema,
                                   &world->arena, &world->view.where, &position, &error));
    source_fingerprint(&world->source);
    memory_realtime_init(&world->realtime, &world->source);
    memory_realtime_init(&world->backup, &world->source);
    world->publications.operations = &operations;
    world->budget.ceiling_bytes = INT64_MAX;
    world->environment = (struct partition_environment){
        .realtime = &world->realtime.store, .publications = &world->publications, .budget = &world->budget};
    world->run_epoch = -1;
    for (int i = 0; i < 2; i++)
        world->speeds[i] = partition_new(&world->environment, &world->source, 0);
}

static void world_clean_up(struct world *world)
{
    for (int i = 0; i < 2; i++)
        partition_destroy(world->speeds[i]);
    memory_realtime_clean_up(&world->realtime);
    memory_realtime_clean_up(&world->backup);
    zone_close(world->zone);
    arena_clean_up(&world->arena);
}

static void produce(struct world *world)
{
    if (world->end == MESSAGES_MAX)
        return;
    struct message *message = &world->log[world->end];
    int order = (int)test_random(ORDERS);
    *message = (struct message){.order = order,
                                .bad = test_random(15) == 0,
                                .cents = test_random(4) ? (int64_t)test_random(900) + 1 : 0,
                                .record_time_us = began_us + world->end * 10 * US_PER_SECOND};
    int64_t at_us = began_us + order * ORDER_APART_S * US_PER_SECOND;
    snprintf(message->payload, sizeof message->payload,
             "{\"id\":\"o%d\",\"status\":\"%s\",\"amount\":%lld.%02lld,\"at\":%lld%s}", order,
             message->cents ? "done" : "cancelled", (long long)message->cents / 100, (long long)message->cents % 100,
             (long long)at_us, message->bad ? "," : "");
    world->end++;
}

/* Each order has a window of its own. */
static int64_t window_of_order_s(int order)
{
    int64_t at_s = began_us / US_PER_SECOND + order * ORDER_APART_S;
    return at_s - at_s % 60;
}

/* The independent answer. */
static void fold(const struct world *world, int64_t first, int64_t below, int64_t counts[ORDERS], int64_t sums[ORDERS])
{
    const struct message *kept[MESSAGES_MAX] = {0};
    for (int64_t i = first; i < below; i++) {
        const struct message *message = &world->log[i];
        size_t key = world->source.on_duplicate == ON_DUPLICATE_NONE ? (size_t)i : (size_t)message->order;
        if (!message->bad && !(world->lost[i] && i < world->cut.cut) &&
            !(world->source.on_duplicate == ON_DUPLICATE_IGNORE && kept[key]))
            kept[key] = message;
    }
    memset(counts, 0, ORDERS * sizeof *counts);
    memset(sums, 0, ORDERS * sizeof *sums);
    for (size_t i = 0; i < MESSAGES_MAX; i++)
        if (kept[i] && kept[i]->cents) {
            counts[kept[i]->order]++;
            sums[kept[i]->order] += kept[i]->cents;
        }
}

/* Adds the real-time epochs after the published one; false where the answer isn't complete. */
static bool answer(struct world *world, int64_t *ret_offset)
{
    struct slot_reader reader;
    struct error error;
    struct publication published;
    slot_reader_init(&reader, slot_id_of(&world->source, 0), &world->source);
    read_publication(&world->publications, &world->source, &published, &error);
    bool read = world->realtime.store.operations->read(&world->realtime.store, &reader, &error);
    bool complete = read && slot_fits(&reader.slot, 0, &published);
    assert_true(!complete || slot_reader_audit(&reader, &error));
    int64_t counts[ORDERS], sums[ORDERS], expected_counts[ORDERS], expected_sums[ORDERS], deferred = 0;
    int64_t first = world->published.epoch ? world->cut.first : reader.slot.first;
    fold(world, first, world->published.epoch ? world->cut.cut : 0, counts, sums);
    for (size_t e = 0; complete && e < reader.epoch_count; e++) {
        if (reader.epochs[e].epoch <= world->published.epoch)
            continue;
        assert_true(ledger_is_closed(&reader.epochs[e].ledger, 1));
        deferred += reader.epochs[e].ledger.deferred;
        for (int order = 0; order < ORDERS; order++) {
            const struct cell *cell =
                panes_at(&reader.epochs[e].panes[0], window_of_order_s(order) * US_PER_SECOND, (struct text){"", 0});
            counts[order] += cell->count;
            sums[order] += (int64_t)cell->sums[0].total;
        }
    }
    world->deferred += deferred > 0;
    complete = complete && deferred == 0;
    for (size_t i = 0; complete && i < reader.slot.gaps.count; i++)
        if (reader.slot.gaps.ranges[i].to > (world->published.epoch ? world->cut.cut : 0)) {
            world->gaps++;
            complete = false;
        }
    if (complete) {
        fold(world, first, reader.slot.next, expected_counts, expected_sums);
        assert_memory_equal(counts, expected_counts, sizeof counts);
        assert_memory_equal(sums, expected_sums, sizeof sums);
        *ret_offset = reader.slot.next;
    }
    publication_clean_up(&published);
    slot_reader_clean_up(&reader);
    return complete;
}

static int64_t offset_at(const struct log_extent *log, struct slot_id id, int64_t at_us)
{
    (void)id;
    const struct world *world = log->context;
    for (int64_t i = world->first; i < world->end; i++)
        if (world->log[i].record_time_us >= at_us)
            return i;
    return -1;
}

static void speed_step(struct world *world, struct partition *speed)
{
    struct error error;
    enum commit_answer answer_given;
    if (speed->state == PARTITION_CLOSED) {
        struct log_extent log = {
            .cluster = "c", .first = world->first, .end = world->end, .offset_at = offset_at, .context = world};
        if (!partition_open(speed, &log, &error))
            assert_true(error_is_retriable(&error));
        return;
    }
    if (speed->commit_id[0] || (partition_has_pending(speed) && test_random(2))) {
        if (!partition_commit(speed, &answer_given, &error))
            assert_int_equal(error.code, ERROR_UNAVAILABLE);
        return;
    }
    if (test_random(8) == 0) {
        struct publication published;
        bool fits;
        read_publication(&world->publications, &world->source, &published, &error);
        if (!partition_check(speed, &published, &fits, &error))
            assert_int_equal(error.code, ERROR_UNAVAILABLE);
        else if (!fits)
            partition_close(speed);
        publication_clean_up(&published);
        return;
    }
    if (speed->position < world->first || speed->state == PARTITION_STOPPED) {
        partition_close(speed); /* out of range, or opened again after it stood still */
        return;
    }
    struct log_message messages[8];
    size_t count = 0, most = 1 + test_random(8);
    for (int64_t i = speed->position; i < world->end && count < most; i++)
        messages[count++] = (struct log_message){
            .offset = i, .record_time_us = world->log[i].record_time_us, .payload = text_of(world->log[i].payload)};
    assert_true(partition_take(speed, messages, count, &error));
}

static void stop(struct partition *speed)
{
    if (partition_is_open(speed) && !speed->commit_id[0])
        partition_stop(speed, PARTITION_ALARM_GROUPS);
}

static void batch_step(struct world *world)
{
    const struct realtime_store_operations *store = world->realtime.store.operations;
    struct slot_id id = slot_id_of(&world->source, 0);
    struct error error;
    if (world->run_epoch < 0) {
        int64_t cut;
        if (store->open_epoch(&world->realtime.store, id, world->published.epoch + 2, &cut, &error) && cut >= 0) {
            world->run_epoch = world->published.epoch;
            world->run_cut = cut;
            world->run_first = world->published.epoch ? world->cut.first : world->realtime.slots[0].slot.first;
        }
    } else {
        if (world->run_epoch == world->published.epoch) {
            for (; world->ingested < world->run_cut; world->ingested++)
                world->lost[world->ingested] = world->ingested < world->first;
            world->published.epoch++;
            world->cut =
                (struct published_partition){.first = world->run_first, .cut = world->run_cut, .clock_us = began_us};
            for (int64_t i = world->run_first; i < world->run_cut; i++)
                if (world->lost[i])
                    world->cut.lost += i + 1;
        }
        if (!store->drop_epochs(&world->realtime.store, id, world->run_epoch, &error))
            assert_int_equal(error.code, ERROR_UNAVAILABLE);
        world->run_epoch = -1;
    }
}

static void faulty_step(struct world *world)
{
    uint64_t chance = test_random(1000);
    int64_t offset;
    world->realtime.loses_replies = test_random(20) == 0;
    world->realtime.is_down = test_random(30) == 0;
    if (chance < 250)
        produce(world);
    else if (chance < 700)
        speed_step(world, world->speeds[test_random(2)]);
    else if (chance < 730)
        partition_close(world->speeds[test_random(2)]);
    else if (chance < 740)
        stop(world->speeds[test_random(2)]);
    else if (chance < 800)
        batch_step(world);
    else if (chance < 815)
        world->run_epoch = -1;
    else if (chance < 835)
        memory_realtime_copy(&world->backup, &world->realtime);
    else if (chance < 845)
        memory_realtime_copy(&world->realtime, &world->backup);
    else if (chance < 850)
        memory_realtime_lose(&world->realtime, 0);
    else if (chance < 855)
        world->first += (int64_t)test_random((uint64_t)(world->end - world->first) / 4 + 1);
    else if (chance < 865) /* ahead of any cut */
        for (; world->ingested < world->end; world->ingested++)
            world->lost[world->ingested] = world->ingested < world->first;
    else {
        world->answers++;
        world->complete += answer(world, &offset);
    }
}

static void calm(struct world *world)
{
    int64_t offset = -1;
    world->realtime.loses_replies = world->realtime.is_down = false;
    partition_close(world->speeds[1]);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MESSAGES_MAX; i++)
            speed_step(world, world->speeds[0]);
        if (answer(world, &offset) && offset == world->end && round > 0)
            return;
        world->run_epoch = -1;
        batch_step(world); /* what was deferred, a batch run makes right */
        batch_step(world);
    }
    fail_msg("stuck at offset %lld of %lld", (long long)offset, (long long)world->end);
}

static void play(enum on_duplicate on_duplicate, int64_t horizon_us, int schedules)
{
    static struct world world;
    int complete = 0, deferred = 0, gaps = 0;
    test_random_seed();
    for (int schedule = 0; schedule < schedules; schedule++) {
        world_init(&world, on_duplicate, horizon_us);
        for (int step = 0; step < STEPS; step++)
            faulty_step(&world);
        calm(&world);
        complete += world.complete;
        deferred += world.deferred;
        gaps += world.gaps;
        world_clean_up(&world);
    }
    assert_true(complete > schedules && gaps > 0);
    if (horizon_us && horizon_us < 1000 * US_PER_SECOND)
        assert_true(deferred > 0);
}

static void replacing_is_exact_under_faults(void **state)
{
    (void)state;
    play(ON_DUPLICATE_REPLACE, 360000 * US_PER_SECOND, 400);
}

static void ignoring_is_exact_under_faults(void **state)
{
    (void)state;
    play(ON_DUPLICATE_IGNORE, 360000 * US_PER_SECOND, 400);
}

static void a_topic_without_versions_is_exact_under_faults(void **state)
{
    (void)state;
    play(ON_DUPLICATE_NONE, 0, 400);
}

static void beyond_the_horizon_orders_are_deferred_and_never_wrong(void **state)
{
    (void)state;
    play(ON_DUPLICATE_REPLACE, 100 * US_PER_SECOND, 400);
    play(ON_DUPLICATE_IGNORE, 100 * US_PER_SECOND, 400);
}

/* --- a topic that was made anew --- */

static void append_plain(struct world *world, int count, int64_t apart_us)
{
    for (int i = 0; i < count; i++, world->end++) {
        struct message *message = &world->log[world->end];
        *message =
            (struct message){.cents = 100, .record_time_us = began_us + world->end * 10 * US_PER_SECOND + apart_us};
        snprintf(message->payload, sizeof message->payload,
                 "{\"id\":\"o%lld\",\"status\":\"done\",\"amount\":1.00,\"at\":%lld}", (long long)world->end,
                 (long long)began_us);
    }
}

static bool take_all(struct world *world, struct partition *speed, struct error *error)
{
    for (int64_t i = speed->position; i < world->end && partition_is_open(speed); i = speed->position) {
        struct log_message message = {
            .offset = i, .record_time_us = world->log[i].record_time_us, .payload = text_of(world->log[i].payload)};
        if (!partition_take(speed, &message, 1, error))
            return false;
    }
    return true;
}

static bool open_with(struct world *world, struct partition *speed, struct error *error)
{
    struct log_extent log = {.cluster = "c", .first = world->first, .end = world->end};
    return partition_open(speed, &log, error);
}

static void open_and_commit(struct world *world, struct partition *speed)
{
    struct error error;
    enum commit_answer given;
    assert_true(open_with(world, speed, &error) && take_all(world, speed, &error));
    assert_true(partition_commit(speed, &given, &error));
    assert_int_equal(given, COMMIT_OK);
}

static void another_message_at_the_tail_is_another_topic(enum on_duplicate rule, int64_t apart_us, const char *payload)
{
    static struct world world;
    struct error error = {0};
    world_init(&world, rule, 0);
    append_plain(&world, 10, 0);
    open_and_commit(&world, world.speeds[0]);
    open_and_commit(&world, world.speeds[1]); /* the same story: nothing new, and it goes on */
    world.end = 0;
    append_plain(&world, 15, apart_us);
    if (payload)
        snprintf(world.log[9].payload, sizeof world.log[9].payload, "%s", payload);
    assert_true(open_with(&world, world.speeds[0], &error));
    assert_false(take_all(&world, world.speeds[0], &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    assert_non_null(strstr(error.message, "made anew"));
    assert_int_equal(world.speeds[0]->state, PARTITION_CLOSED);
    assert_int_equal(world.realtime.slots[0].slot.next, 10);
    world.first = 10; /* the message is gone: nothing can be said */
    open_and_commit(&world, world.speeds[0]);
    assert_int_equal(world.realtime.slots[0].slot.next, 15);
    world_clean_up(&world);
}

static void a_topic_made_anew_is_refused_by_its_record_time_or_by_its_content(void **state)
{
    (void)state;
    another_message_at_the_tail_is_another_topic(ON_DUPLICATE_REPLACE, 1000, NULL);
    another_message_at_the_tail_is_another_topic(ON_DUPLICATE_NONE, 1000, NULL);
    another_message_at_the_tail_is_another_topic(ON_DUPLICATE_REPLACE, 0, "{}");
    another_message_at_the_tail_is_another_topic(ON_DUPLICATE_NONE, 0, "{}");
}

/* The slot is left as it was in each case: whoever has the right address goes on with it. */
static void another_cluster_is_refused_by_the_slot_and_by_what_is_published(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    append_plain(&world, 10, 0);
    open_and_commit(&world, world.speeds[0]);
    struct log_extent other = {.cluster = "d", .first = 0, .end = 10};
    assert_false(partition_open(world.speeds[0], &other, &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    assert_non_null(strstr(error.message, "was read from Kafka cluster c, and this is cluster d; check kafka.brokers"));
    strcpy(world.published.cluster, "c");
    memory_realtime_lose(&world.realtime, 0);
    assert_false(partition_open(world.speeds[0], &other, &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    assert_non_null(strstr(error.message, "was published from Kafka cluster c, and this is cluster d"));
    assert_false(world.realtime.slots[0].slot.exists);
    open_and_commit(&world, world.speeds[0]);
    world_clean_up(&world);
}

/* --- a slot of another format --- */

static void a_slot_of_a_newer_format_is_waited_for_and_left_as_it_is(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    append_plain(&world, 10, 0);
    struct partition *speed = world.speeds[0];
    open_and_commit(&world, speed);
    struct slot *slot = &world.realtime.slots[0].slot;
    slot->format = 99;
    struct slot before = *slot;
    append_plain(&world, 5, 0);
    assert_true(take_all(&world, speed, &error));
    assert_true(partition_commit(speed, &given, &error));
    assert_int_equal(given, COMMIT_FOREIGN);
    for (int attempt = 0; attempt < 2; attempt++) {
        assert_false(open_with(&world, speed, &error));
        assert_int_equal(error.code, ERROR_DATA);
        assert_non_null(strstr(error.message, "its slot: it has format 99, and this program knows up to format 3"));
        assert_int_equal(speed->state, PARTITION_CLOSED);
    }
    assert_memory_equal(slot, &before, sizeof before);
    slot->format = REALTIME_FORMAT;
    open_and_commit(&world, speed);
    assert_true(slot->next == 15 && strcmp(slot->incarnation, before.incarnation) == 0);
    slot->format = 99;
    memory_realtime_lose(&world.realtime, 0); /* as an operator has it forgotten */
    open_and_commit(&world, speed);
    assert_true(slot->next == 15 && strcmp(slot->incarnation, before.incarnation) != 0);
    world_clean_up(&world);
}

static void a_slot_of_an_older_format_is_begun_anew(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    append_plain(&world, 10, 0);
    open_and_commit(&world, world.speeds[0]);
    struct slot *slot = &world.realtime.slots[0].slot;
    for (int format = 0; format < REALTIME_FORMAT; format++) {
        slot->format = format;
        assert_true(open_with(&world, world.speeds[0], &error));
        assert_true(slot->format == REALTIME_FORMAT && slot->next == 0);
        open_and_commit(&world, world.speeds[0]);
        assert_int_equal(slot->next, 10);
    }
    world_clean_up(&world);
}

/* Nothing is published yet: where the partition began, the slot of the old file alone knows. */
static void a_slot_of_another_definition_stays_and_tells_where_the_partition_began(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    append_plain(&world, 10, 0);
    open_and_commit(&world, world.speeds[0]);
    struct slot before = world.realtime.slots[0].slot;
    struct source changed = world.source;
    snprintf(changed.fingerprint, sizeof changed.fingerprint, "another");
    memory_realtime_add(&world.realtime, &changed);
    struct partition *speed = partition_new(&world.environment, &changed, 0);
    world.first = 5;
    assert_true(open_with(&world, speed, &error));
    const struct slot *slot = &world.realtime.slots[MEMORY_PARTITIONS_MAX].slot;
    assert_true(slot->exists && slot->first == 0 && slot->partitions == before.partitions);
    assert_true(speed->gaps.count == 1 && speed->gaps.ranges[0].from == 0 && speed->gaps.ranges[0].to == 5);
    assert_memory_equal(&world.realtime.slots[0].slot, &before, sizeof before);
    partition_destroy(speed);
    world_clean_up(&world);
}

static void a_slot_begun_at_the_cut_knows_the_message_before_it(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_NONE, 0);
    append_plain(&world, 10, 0);
    world.published.epoch = 3;
    world.cut = (struct published_partition){.cut = 8, .tail = 7, .tail_time_us = world.log[7].record_time_us};
    open_and_commit(&world, world.speeds[0]);
    assert_int_equal(world.realtime.slots[0].cells.epochs[0].ledger.consumed, 2);
    memory_realtime_lose(&world.realtime, 0);
    world.log[7].record_time_us++;
    assert_true(open_with(&world, world.speeds[0], &error));
    assert_int_equal(world.realtime.slots[0].slot.tail, 7);
    assert_false(take_all(&world, world.speeds[0], &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    world_clean_up(&world);
}

/* By the message that the cut lies behind, where it isn't an older one: its record time the batch layer doesn't say. */
static void a_slot_begins_with_the_latest_message_that_is_published_of_it(void **state)
{
    (void)state;
    static struct world world;
    static const struct {
        int64_t last, tail;
        bool has_time, has_hash;
    } cases[] = {{3, 7, true, false}, {7, 7, true, true}, {8, 8, false, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        world_init(&world, ON_DUPLICATE_NONE, 0);
        append_plain(&world, 10, 0);
        world.published.epoch = 3;
        world.cut = (struct published_partition){.cut = 9,
                                                 .tail = 7,
                                                 .tail_time_us = world.log[7].record_time_us,
                                                 .last = cases[i].last,
                                                 .last_hash = 0xabc};
        assert_true(open_with(&world, world.speeds[0], &error));
        const struct slot *slot = &world.realtime.slots[0].slot;
        assert_int_equal(slot->tail, cases[i].tail);
        assert_int_equal(slot->tail_time_us, cases[i].has_time ? world.log[7].record_time_us : -1);
        assert_int_equal(slot->tail_hash, cases[i].has_hash ? 0xabc : 0);
        world_clean_up(&world);
    }
}

static void an_idle_time_never_goes_back_in_a_slot_and_a_commit_that_is_tried_again_says_the_same(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init(&world, ON_DUPLICATE_NONE, 0);
    append_plain(&world, 10, 0);
    struct partition *speed = world.speeds[0];
    const struct slot *slot = &world.realtime.slots[0].slot;
    open_and_commit(&world, speed);
    partition_note_idle(speed, 1000);
    world.realtime.loses_replies = true;
    assert_false(partition_commit(speed, &given, &error));
    world.realtime.loses_replies = false;
    partition_note_idle(speed, 2000);
    assert_true(partition_commit(speed, &given, &error));
    assert_int_equal(given, COMMIT_ALREADY);
    assert_true(slot->idle_us == 1000 && speed->slot.idle_us == 1000);
    for (int64_t at_us = 2000; at_us > 0; at_us -= 500) {
        partition_note_idle(speed, at_us);
        assert_true(partition_commit(speed, &given, &error));
        assert_int_equal(slot->idle_us, 2000);
    }
    world_clean_up(&world);
}

static void a_slot_begins_with_the_idle_time_that_is_published(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_NONE, 0);
    append_plain(&world, 10, 0);
    world.published.epoch = 3;
    world.cut = (struct published_partition){.cut = 9, .tail = -1, .idle_us = 1000};
    assert_true(open_with(&world, world.speeds[0], &error));
    assert_int_equal(world.realtime.slots[0].slot.idle_us, 1000);
    world_clean_up(&world);
}

static void the_tail_is_the_last_message_also_behind_control_records(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    append_plain(&world, 10, 0);
    struct partition *speed = world.speeds[0];
    assert_true(open_with(&world, speed, &error) && take_all(&world, speed, &error));
    partition_advance(speed, 14);
    assert_true(partition_commit(speed, &given, &error));
    const struct slot *slot = &world.realtime.slots[0].slot;
    assert_true(slot->next == 14 && slot->tail == 9 && slot->tail_time_us == world.log[9].record_time_us);
    assert_true(slot->tail_hash != 0);
    world_clean_up(&world);
}

static void a_partition_being_opened_says_so_and_takes_nothing(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init(&world, ON_DUPLICATE_REPLACE, 1000 * 86400 * US_PER_SECOND);
    append_plain(&world, 10, 0);
    open_and_commit(&world, world.speeds[0]);
    append_plain(&world, 5, 0);
    struct partition *speed = world.speeds[1];
    struct slot before = world.realtime.slots[0].slot;
    assert_true(open_with(&world, speed, &error));
    assert_int_equal(speed->state, PARTITION_READING);
    assert_false(partition_has_pending(speed));
    assert_true(partition_commit(speed, &given, &error));
    assert_int_equal(given, COMMIT_OK);
    const struct slot *slot = &world.realtime.slots[0].slot;
    assert_true(slot->next == 10 && slot->tail == before.tail && slot->floor == before.floor && slot->end == 15);
    assert_string_not_equal(slot->commit_id, before.commit_id);
    /* One without an answer is tried again before anything is taken: its answer would count for that too. */
    world.realtime.loses_replies = true;
    assert_false(partition_commit(speed, &given, &error));
    world.realtime.loses_replies = false;
    assert_true(partition_has_pending(speed));
    assert_true(partition_commit(speed, &given, &error));
    assert_int_equal(given, COMMIT_ALREADY);
    assert_false(partition_has_pending(speed));
    assert_true(take_all(&world, speed, &error));
    assert_true(partition_commit(speed, &given, &error));
    assert_int_equal(given, COMMIT_OK);
    assert_int_equal(slot->next, 15);
    assert_int_equal(world.realtime.slots[0].cells.epochs[0].ledger.consumed, 15);
    world_clean_up(&world);
}

/* --- the breaker --- */

static void spoil(struct world *world, int64_t from)
{
    for (int64_t i = from; i < world->end; i++)
        world->log[i].payload[0] = '?';
}

static struct partition *new_with_breaker(struct world *world, int64_t limit)
{
    world->source.breaker = limit;
    struct partition *partition = partition_new(&world->environment, &world->source, 0);
    assert_non_null(partition);
    return partition;
}

static void stopped_partition_keeps_what_was_committed_and_says_why_it_stands(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    struct partition *speed = new_with_breaker(&world, 10);
    append_plain(&world, 20, 0);
    open_and_commit(&world, speed);
    struct slot before = world.realtime.slots[0].slot;
    append_plain(&world, 30, 0);
    spoil(&world, 20);
    for (int64_t i = 20; partition_is_open(speed); i++) {
        struct log_message message = {.offset = i, .record_time_us = 1, .payload = text_of(world.log[i].payload)};
        assert_true(partition_take(speed, &message, 1, &error));
        assert_true(i <= 30);
    }
    assert_int_equal(speed->state, PARTITION_STOPPED);
    assert_true(partition_has_pending(speed));
    assert_true(partition_commit(speed, &given, &error));
    assert_false(partition_has_pending(speed));
    struct slot after = world.realtime.slots[0].slot;
    assert_string_equal(after.alarm, "breaker");
    assert_int_equal(after.next, 20);
    assert_int_equal(after.floor, before.floor);
    assert_int_equal(after.clock_us, before.clock_us);
    assert_int_equal(after.tail, before.tail);
    assert_int_equal(after.tail_hash, before.tail_hash);
    partition_destroy(speed);
    world_clean_up(&world);
}

static void partition_goes_on_after_a_fix_and_takes_its_alarm_back(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    struct partition *speed = new_with_breaker(&world, 10);
    append_plain(&world, 30, 0);
    spoil(&world, 0);
    assert_true(open_with(&world, speed, &error));
    while (partition_is_open(speed)) {
        struct log_message message = {
            .offset = speed->position, .record_time_us = 1, .payload = text_of(world.log[0].payload)};
        assert_true(partition_take(speed, &message, 1, &error));
    }
    assert_true(partition_commit(speed, &given, &error));
    world.end = 0;
    append_plain(&world, 30, 0);
    open_and_commit(&world, speed);
    assert_int_equal(world.realtime.slots[0].slot.next, 30);
    assert_string_equal(world.realtime.slots[0].slot.alarm, "");
    partition_destroy(speed);
    world_clean_up(&world);
}

/* The gap belongs to the commit that passes over it. */
static void stop_behind_a_gap_leaves_it_to_who_goes_on(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init(&world, ON_DUPLICATE_REPLACE, 0);
    const struct slot *slot = &world.realtime.slots[0].slot;
    append_plain(&world, 10, 0);
    open_and_commit(&world, world.speeds[0]);
    append_plain(&world, 5, 0);
    world.first = 12;
    open_and_commit(&world, world.speeds[0]);
    append_plain(&world, 30, 0);
    spoil(&world, 15);
    world.first = 20; /* the gap from 10 to 12 stays, and another one begins at the slot's next offset */
    struct slot before = *slot;
    struct partition *speed = new_with_breaker(&world, 10);
    for (int times = 0; times < 2; times++) { /* what it left can be opened, and is the same */
        assert_true(open_with(&world, speed, &error) && take_all(&world, speed, &error));
        assert_int_equal(speed->state, PARTITION_STOPPED);
        assert_true(partition_commit(speed, &given, &error));
        assert_string_equal(slot->alarm, "breaker");
        assert_true(slot->next == 15 && slot->floor == before.floor && slot->floor_time_us == before.floor_time_us);
        assert_memory_equal(&slot->gaps, &before.gaps, sizeof before.gaps);
    }
    open_and_commit(&world, world.speeds[1]); /* it has no breaker */
    assert_true(slot->next == 45 && slot->gaps.count == 2);
    assert_true(slot->gaps.ranges[0].from == 10 && slot->gaps.ranges[0].to == 12);
    assert_true(slot->gaps.ranges[1].from == 15 && slot->gaps.ranges[1].to == 20);
    partition_destroy(speed);
    world_clean_up(&world);
}

/* --- messages without a record time, and a log whose head is gone --- */

static void append_order(struct world *world, const char *id, int64_t at_us, int64_t record_time_us)
{
    struct message *message = &world->log[world->end++];
    *message = (struct message){.cents = 100, .record_time_us = record_time_us};
    snprintf(message->payload, sizeof message->payload,
             "{\"id\":\"%s\",\"status\":\"done\",\"amount\":1.00,\"at\":%lld}", id, (long long)at_us);
}

#define HOURS_US (3600 * US_PER_SECOND)

static void versions_without_a_record_time_are_counted_once(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_REPLACE, 48 * HOURS_US);
    append_order(&world, "a", began_us - 49 * HOURS_US, began_us - 49 * HOURS_US);
    append_order(&world, "b", began_us, -1);
    append_order(&world, "c", began_us, -1);
    append_order(&world, "b", began_us, -1);
    struct partition *speed = world.speeds[0];
    assert_true(open_with(&world, speed, &error) && take_all(&world, speed, &error));
    assert_int_equal(speed->ledger.kept, 3);
    assert_int_equal(speed->ledger.replaced, 1);
    assert_int_equal(speed->ledger.deferred, 0);
    world_clean_up(&world);
}

static void a_version_without_a_record_time_that_has_left_is_not_new_again(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_REPLACE, 48 * HOURS_US);
    append_order(&world, "a", began_us - 60 * HOURS_US, began_us - 60 * HOURS_US);
    append_order(&world, "b", began_us - 49 * HOURS_US, -1);
    append_order(&world, "c", began_us, began_us);
    append_order(&world, "b", began_us - 49 * HOURS_US, -1);
    struct partition *speed = world.speeds[0];
    assert_true(open_with(&world, speed, &error) && take_all(&world, speed, &error));
    assert_int_equal(speed->ledger.kept, 3);
    assert_int_equal(speed->ledger.deferred, 1);
    world_clean_up(&world);
}

/* Two orders whose record times descend: the first is gone, the second is left. Then the first comes again. */
static void begin_with_a_lost_head(struct world *world, enum on_duplicate rule)
{
    world_init(world, rule, 1000 * 24 * HOURS_US);
    append_order(world, "a", began_us, began_us);
    append_order(world, "b", began_us - 60 * HOURS_US, began_us - 60 * HOURS_US);
    open_and_commit(world, world->speeds[0]);
    world->first = 1;
    append_order(world, "a", began_us, began_us + 1);
    append_order(world, "c", began_us + 2 * HOURS_US, began_us + 2 * HOURS_US);
}

static void assert_one_is_unknown(struct world *world)
{
    struct error error = {0};
    struct partition *speed = world->speeds[1];
    assert_true(open_with(world, speed, &error) && take_all(world, speed, &error));
    assert_int_equal(speed->ledger.deferred, 1);
    assert_int_equal(speed->ledger.kept, 1);
}

static void an_order_whose_first_version_retention_removed_is_not_new_again(void **state)
{
    (void)state;
    static struct world world;
    begin_with_a_lost_head(&world, ON_DUPLICATE_REPLACE);
    assert_one_is_unknown(&world);
    world_clean_up(&world);
}

static void nor_is_it_where_the_slot_is_begun_anew(void **state)
{
    (void)state;
    static struct world world;
    begin_with_a_lost_head(&world, ON_DUPLICATE_IGNORE);
    world.published.epoch = 1;
    world.cut = (struct published_partition){.cut = 2, .clock_us = began_us};
    memory_realtime_lose(&world.realtime, 0);
    assert_one_is_unknown(&world);
    world_clean_up(&world);
}

/* It lies before the first message of the horizon, and what is published says how far ahead it may be. */
static void nor_is_one_without_a_record_time_where_the_slot_is_begun_anew(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init(&world, ON_DUPLICATE_REPLACE, 6 * HOURS_US);
    append_order(&world, "a", began_us + 5 * HOURS_US, -1);
    append_order(&world, "b", began_us, began_us);
    append_order(&world, "a", began_us + 5 * HOURS_US, began_us + 5 * HOURS_US);
    append_order(&world, "c", began_us + 5 * HOURS_US + 1, began_us + 5 * HOURS_US);
    world.published.epoch = 1;
    world.cut = (struct published_partition){
        .cut = 2, .clock_us = began_us + 5 * HOURS_US, .untimed_us = began_us + 5 * HOURS_US};
    struct log_extent log = {.cluster = "c", .end = world.end, .offset_at = offset_at, .context = &world};
    struct partition *speed = world.speeds[0];
    assert_true(partition_open(speed, &log, &error));
    assert_int_equal(speed->position, 1);
    assert_true(take_all(&world, speed, &error));
    assert_int_equal(speed->ledger.deferred, 1);
    assert_int_equal(speed->ledger.kept, 1);
    world_clean_up(&world);
}

static void behind_a_gap_no_unknown_order_is_new_until_a_run_has_published_it(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    begin_with_a_lost_head(&world, ON_DUPLICATE_REPLACE);
    world.first = 3;
    struct partition *speed = world.speeds[1];
    open_and_commit(&world, speed);
    const struct ledger *ledger = &world.realtime.slots[0].cells.epochs[0].ledger;
    assert_true(ledger->kept == 2 && ledger->deferred == 1);
    world.published.epoch = 0;
    assert_true(slot_fits(&world.realtime.slots[0].slot, 0, &world.published));
    append_order(&world, "d", began_us + 3 * HOURS_US, began_us + 3 * HOURS_US);
    world.published.epoch = 1;
    world.cut = (struct published_partition){.cut = 4, .clock_us = began_us + 2 * HOURS_US};
    assert_true(open_with(&world, speed, &error) && take_all(&world, speed, &error));
    assert_int_equal(speed->ledger.kept, 0); /* it lies less than max_future after the clock */
    append_order(&world, "e", began_us + 4 * HOURS_US, began_us + 4 * HOURS_US);
    assert_true(take_all(&world, speed, &error));
    assert_int_equal(speed->ledger.kept, 1);
    world_clean_up(&world);
}

/* --- without a batch layer --- */

#define DAYS_US (24 * HOURS_US)

static void world_init_alone(struct world *world)
{
    world_init(world, ON_DUPLICATE_REPLACE, HOURS_US);
    world->source.is_stream_alone = true;
    world->published.is_never = true;
    world->view.retention_s = 2 * 24 * 3600;
}

static int64_t remembered;     /* -1: nothing yet */
static bool forgets_to_answer; /* whoever remembers */

static bool record_first(const struct log_extent *log, struct slot_id id, int64_t first, int64_t *ret_first,
                         struct error *error)
{
    (void)log, (void)id;
    *ret_first = remembered = remembered < 0 ? first : remembered;
    return !forgets_to_answer || error_set(error, ERROR_UNAVAILABLE, "the group's offsets can't be had");
}

static bool try_to_open_remembered(struct world *world, struct partition *speed, struct error *error)
{
    struct log_extent log = {.cluster = "c",
                             .first = world->first,
                             .end = world->end,
                             .offset_at = offset_at,
                             .record_first = record_first,
                             .context = world};
    return partition_open(speed, &log, error);
}

static void open_remembered(struct world *world, struct partition *speed)
{
    struct error error = {0};
    if (!try_to_open_remembered(world, speed, &error))
        fail_msg("%s", error.message);
}

static void slot_without_a_batch_layer_begins_with_the_log_and_says_what_lay_before(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    struct slot *slot = &world.realtime.slots[0].slot;
    world_init_alone(&world);
    for (int i = 0; i < 4; i++)
        append_order(&world, i % 2 ? "a" : "b", began_us, began_us);
    world.first = 2;
    remembered = 1;
    struct partition *speed = world.speeds[0];
    open_remembered(&world, speed);
    assert_true(take_all(&world, speed, &error));
    assert_true(speed->ledger.kept == 2 && speed->ledger.deferred == 0);
    assert_true(partition_commit(speed, &given, &error));
    assert_true(slot->first == 1 && slot->epochs[0].offset == 2);
    assert_true(slot->gaps.count == 1 && slot->gaps.ranges[0].from == 1 && slot->gaps.ranges[0].to == 2);
    /* The gap stays said, and who opens it again fits. */
    open_remembered(&world, world.speeds[1]);
    assert_int_equal(world.speeds[1]->slot.gaps.count, 1);
    assert_string_equal(world.speeds[1]->slot.incarnation, slot->incarnation);
    world_clean_up(&world);
}

static void partitions_that_a_topic_has_got_are_accepted_by_who_is_told_to(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    struct slot *slot = &world.realtime.slots[0].slot;
    struct log_extent log = {.cluster = "c", .partitions = 2, .context = &world};
    world_init_alone(&world);
    assert_true(partition_open(world.speeds[0], &log, &error));
    assert_int_equal(slot->partitions, 2);
    slot->format--; /* so that it begins anew */
    log.partitions = 3;
    assert_true(partition_open(world.speeds[0], &log, &error));
    assert_int_equal(slot->partitions, 2);
    slot->format--;
    log.accepts_partitions = true;
    assert_true(partition_open(world.speeds[0], &log, &error));
    assert_int_equal(slot->partitions, 3);
    world_clean_up(&world);
}

static void where_the_log_began_is_remembered_before_a_slot_begins_there(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    struct slot *slot = &world.realtime.slots[0].slot;
    world_init_alone(&world);
    for (int i = 0; i < 2; i++)
        append_order(&world, "a", began_us, began_us);
    struct partition *speed = world.speeds[0];
    remembered = -1;
    forgets_to_answer = true;
    assert_false(try_to_open_remembered(&world, speed, &error));
    assert_false(slot->exists);
    forgets_to_answer = false;
    open_remembered(&world, speed);
    assert_int_equal(remembered, 0);
    /* Nothing was committed when both the slot and the log's head are lost. */
    memory_realtime_lose(&world.realtime, 0);
    world.first = 1;
    open_remembered(&world, world.speeds[1]);
    assert_true(slot->first == 0 && slot->gaps.count == 1 && slot->gaps.ranges[0].to == 1);
    world_clean_up(&world);
}

/* Where nothing is forgotten by the horizon, only what the log has lost is unknown. */
static void only_what_the_log_has_lost_is_deferred_without_a_batch_layer(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    world_init_alone(&world);
    remembered = -1;
    append_order(&world, "a", began_us, began_us);
    append_order(&world, "b", began_us + 10 * DAYS_US, began_us + 10 * DAYS_US);
    append_order(&world, "a", began_us, began_us + 10 * DAYS_US);
    open_remembered(&world, world.speeds[0]);
    assert_true(take_all(&world, world.speeds[0], &error));
    assert_true(world.speeds[0]->ledger.replaced == 1 && world.speeds[0]->ledger.deferred == 0);
    enum commit_answer given;
    assert_true(partition_commit(world.speeds[0], &given, &error));
    world.first = 1;
    append_order(&world, "c", began_us + 10 * DAYS_US, began_us + 10 * DAYS_US);
    append_order(&world, "d", began_us + 12 * DAYS_US, began_us + 12 * DAYS_US);
    open_remembered(&world, world.speeds[1]);
    assert_true(take_all(&world, world.speeds[1], &error));
    assert_true(world.speeds[1]->ledger.kept == 1 && world.speeds[1]->ledger.deferred == 1);
    assert_true(world.speeds[1]->deferred_us == began_us + 10 * DAYS_US);
    world_clean_up(&world);
}

static void panes_past_the_retention_leave_the_slot_with_what_they_counted(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    const struct slot_reader *held = &world.realtime.slots[0].cells;
    world_init_alone(&world);
    remembered = -1;
    append_order(&world, "a", began_us, began_us);
    append_order(&world, "b", began_us + 3 * DAYS_US, began_us + 3 * DAYS_US);
    append_order(&world, "c", began_us + 5 * DAYS_US, began_us + 5 * DAYS_US);
    struct partition *speed = world.speeds[0];
    open_remembered(&world, speed);
    assert_true(take_all(&world, speed, &error));
    assert_false(partition_has_expired(speed));
    assert_true(partition_commit(speed, &given, &error));
    assert_true(partition_has_expired(speed));
    assert_true(partition_drop_expired(speed, &error));
    assert_true(partition_has_pending(speed));
    world.realtime.loses_replies = true;
    assert_false(partition_commit(speed, &given, &error));
    world.realtime.loses_replies = false;
    assert_true(partition_commit(speed, &given, &error));
    assert_int_equal(given, COMMIT_ALREADY);
    assert_false(partition_has_expired(speed) || partition_has_pending(speed));
    bool sound = false;
    assert_true(partition_audit(speed, &sound, &error) && sound);
    const struct ledger *ledger = &held->epochs[0].ledger;
    assert_true(ledger->views[0].counted == 2 && ledger->views[0].expired == 1 && ledger->kept == 3);
    /* What is taken back from a day that has left leaves with the next one. */
    append_order(&world, "a", began_us, began_us + 5 * DAYS_US);
    append_order(&world, "d", began_us + 6 * DAYS_US, began_us + 6 * DAYS_US);
    memcpy(strstr(world.log[3].payload, "done"), "gone", 4);
    assert_true(take_all(&world, speed, &error) && partition_commit(speed, &given, &error));
    assert_true(partition_has_expired(speed) && partition_drop_expired(speed, &error));
    assert_true(partition_commit(speed, &given, &error));
    assert_true(partition_audit(speed, &sound, &error) && sound);
    assert_true(ledger->views[0].counted == 2 && ledger->views[0].expired == 2 && ledger->kept == 4);
    world_clean_up(&world);
}

static void where_the_index_has_no_room_the_partition_waits_until_it_has(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    enum commit_answer given;
    world_init_alone(&world);
    remembered = -1;
    append_order(&world, "a", began_us, began_us);
    struct partition *speed = world.speeds[0];
    world.budget.ceiling_bytes = 1 << 20; /* less than a block of versions */
    open_remembered(&world, speed);
    const struct log_message message = {.record_time_us = began_us, .payload = text_of(world.log[0].payload)};
    assert_true(partition_take(speed, &message, 1, &error));
    assert_int_equal(speed->state, PARTITION_STOPPED);
    assert_true(partition_commit(speed, &given, &error));
    assert_string_equal(world.realtime.slots[0].slot.alarm, "index");
    assert_int_equal(world.realtime.slots[0].slot.next, 0);
    assert_int_equal(world.budget.used_bytes, 0);
    assert_false(partition_index_fits(speed));
    world.budget.ceiling_bytes = 4 << 20;
    assert_true(partition_index_fits(speed));
    open_remembered(&world, speed);
    assert_true(take_all(&world, speed, &error) && partition_commit(speed, &given, &error));
    assert_string_equal(world.realtime.slots[0].slot.alarm, "");
    assert_int_equal(world.realtime.slots[0].slot.next, 1);
    world_clean_up(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replacing_is_exact_under_faults),
        cmocka_unit_test(ignoring_is_exact_under_faults),
        cmocka_unit_test(a_topic_without_versions_is_exact_under_faults),
        cmocka_unit_test(beyond_the_horizon_orders_are_deferred_and_never_wrong),
        cmocka_unit_test(a_topic_made_anew_is_refused_by_its_record_time_or_by_its_content),
        cmocka_unit_test(another_cluster_is_refused_by_the_slot_and_by_what_is_published),
        cmocka_unit_test(a_slot_of_a_newer_format_is_waited_for_and_left_as_it_is),
        cmocka_unit_test(a_slot_of_an_older_format_is_begun_anew),
        cmocka_unit_test(a_slot_of_another_definition_stays_and_tells_where_the_partition_began),
        cmocka_unit_test(a_slot_begun_at_the_cut_knows_the_message_before_it),
        cmocka_unit_test(a_slot_begins_with_the_latest_message_that_is_published_of_it),
        cmocka_unit_test(an_idle_time_never_goes_back_in_a_slot_and_a_commit_that_is_tried_again_says_the_same),
        cmocka_unit_test(a_slot_begins_with_the_idle_time_that_is_published),
        cmocka_unit_test(the_tail_is_the_last_message_also_behind_control_records),
        cmocka_unit_test(a_partition_being_opened_says_so_and_takes_nothing),
        cmocka_unit_test(stopped_partition_keeps_what_was_committed_and_says_why_it_stands),
        cmocka_unit_test(partition_goes_on_after_a_fix_and_takes_its_alarm_back),
        cmocka_unit_test(stop_behind_a_gap_leaves_it_to_who_goes_on),
        cmocka_unit_test(versions_without_a_record_time_are_counted_once),
        cmocka_unit_test(a_version_without_a_record_time_that_has_left_is_not_new_again),
        cmocka_unit_test(an_order_whose_first_version_retention_removed_is_not_new_again),
        cmocka_unit_test(nor_is_it_where_the_slot_is_begun_anew),
        cmocka_unit_test(nor_is_one_without_a_record_time_where_the_slot_is_begun_anew),
        cmocka_unit_test(behind_a_gap_no_unknown_order_is_new_until_a_run_has_published_it),
        cmocka_unit_test(partitions_that_a_topic_has_got_are_accepted_by_who_is_told_to),
        cmocka_unit_test(where_the_log_began_is_remembered_before_a_slot_begins_there),
        cmocka_unit_test(slot_without_a_batch_layer_begins_with_the_log_and_says_what_lay_before),
        cmocka_unit_test(only_what_the_log_has_lost_is_deferred_without_a_batch_layer),
        cmocka_unit_test(panes_past_the_retention_leave_the_slot_with_what_they_counted),
        cmocka_unit_test(where_the_index_has_no_room_the_partition_waits_until_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
