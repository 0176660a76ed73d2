/* SPDX-License-Identifier: Apache-2.0
 * A partition and a worker while memory is short: whatever was committed is right, and once there is memory again the
 * end is reached, not before. The stores are somebody else's and have theirs. */
#include "cmocka_test.h"
#include "failing_memory.h"

#include "base/clock.h"
#include "base/log.h"
#include "partition/partition.h"
#include "memory_realtime.h"
#include "state/slot_audit.h"
#include "worker/worker.h"

enum { ID, AMOUNT, FIELDS };
enum { MESSAGES = 60, ORDERS = 40, TRIES = 5, TURNS = 30, POLL = 20 };
enum { PAID, ALL, VIEWS }; /* with a condition, and without one */

static int64_t now_us; /* only polls let time pass */

int64_t clock_monotonic_us(void)
{
    return now_us;
}

int64_t clock_wall_us(void)
{
    return INT64_C(1767225600000000) + now_us;
}

static const struct field fields[FIELDS] = {{"id", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static struct view views[VIEWS];
static struct source source = {.name = "orders",
                               .topic = "orders",
                               .views = views,
                               .view_count = VIEWS,
                               .on_duplicate = ON_DUPLICATE_REPLACE,
                               .horizon_us = INT64_C(3600000000),
                               .schema = {.fields = fields,
                                          .field_count = FIELDS,
                                          .key = ID,
                                          .event_time = "at",
                                          .event_time_unit = TIME_SECONDS,
                                          .max_future_us = INT64_C(3600000000)}};
static struct arena arena;
static struct log_message messages[MESSAGES];
static int64_t expected_counts[VIEWS], expected_cents[VIEWS];

/* Each order in a window of its own; some come twice, and some are bad. */
static void make_messages(void)
{
    static char payloads[MESSAGES][120];
    int64_t cents[ORDERS] = {0};
    bool known[ORDERS] = {false};
    for (int i = 0; i < MESSAGES; i++) {
        int order = i % ORDERS, amount = i % 3 * 100 - 100;
        bool bad = i % 7 == 6;
        snprintf(payloads[i], sizeof payloads[i], "{\"id\":\"o%d\",\"amount\":%d.00,\"at\":%d%s}", order, amount,
                 1767225600 + order * 60, bad ? "," : "");
        messages[i] = (struct log_message){
            .offset = i, .record_time_us = INT64_C(1767225600000000) + i, .payload = text_of(payloads[i])};
        if (!bad) {
            cents[order] = amount * 100;
            known[order] = true;
        }
    }
    for (int order = 0; order < ORDERS; order++) {
        expected_counts[ALL] += known[order];
        expected_cents[ALL] += cents[order];
        expected_counts[PAID] += known[order] && cents[order] > 0;
        expected_cents[PAID] += cents[order] > 0 ? cents[order] : 0;
    }
}

static int start(void **state)
{
    (void)state;
    struct zone *zone;
    struct error error;
    size_t position;
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR + 1); /* nothing: it would say the same many times */
    static const char *const names[] = {"paid", "all"};
    if (!zone_open("UTC", &zone, &error))
        return -1;
    for (size_t i = 0; i < VIEWS; i++)
        views[i] = (struct view){.name = names[i],
                                 .schema = &source.schema,
                                 .window = {.length_s = 60},
                                 .zone = zone,
                                 .sums = {AMOUNT},
                                 .sum_count = 1};
    make_messages();
    return expression_compile(text_of("amount > 0"), &source.schema, &arena, &views[PAID].where, &position, &error) &&
                   source_fingerprint(&source)
               ? 0
               : -1;
}

/* --- stores with memory of their own --- */

static struct memory_realtime memory;

static bool own_read_slot(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    failing_memory_pause();
    bool done = memory.store.operations->read_slot(&memory.store, id, ret_slot, error);
    failing_memory_resume();
    (void)store;
    return done;
}

static bool own_read(struct realtime_store *store, struct slot_reader *reader, struct error *error)
{
    failing_memory_pause();
    bool done = memory.store.operations->read(&memory.store, reader, error);
    failing_memory_resume();
    (void)store;
    return done;
}

static bool own_init(struct realtime_store *store, struct slot_id id, const char *seen, const struct slot *fresh,
                     bool *ret_done, struct error *error)
{
    failing_memory_pause();
    bool done = memory.store.operations->init(&memory.store, id, seen, fresh, ret_done, error);
    failing_memory_resume();
    (void)store;
    return done;
}

static bool own_commit(struct realtime_store *store, const struct commit commits[], size_t count,
                       struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    failing_memory_pause();
    bool done = memory.store.operations->commit(&memory.store, commits, count, ret_outcomes, ret_answered, error);
    failing_memory_resume();
    (void)store;
    return done;
}

static bool own_publication(struct publication_store *store, const struct source *of,
                            struct publication *ret_publication, struct error *error)
{
    (void)store;
    (void)of;
    (void)error;
    *ret_publication = (struct publication){.epoch = 0};
    return true;
}

static int64_t real_end(struct consumer *consumer, const char *topic, int32_t partition)
{
    (void)consumer, (void)topic, (void)partition;
    return 0;
}

static int64_t offset_at(const struct log_extent *log, struct slot_id id, int64_t at_us)
{
    (void)log;
    (void)id;
    (void)at_us;
    return 0;
}

/* --- following the log --- */

/* One step on; false where it said that memory is short. */
static bool step(struct partition *partition)
{
    struct log_extent log = {.cluster = "c", .partitions = 1, .first = 0, .end = MESSAGES, .offset_at = offset_at};
    struct error error = {0};
    enum commit_answer answer = COMMIT_OK;
    bool done = true;
    if (partition->state == PARTITION_CLOSED) {
        done = partition_open(partition, &log, &error);
    } else if (partition->position < MESSAGES) {
        size_t count = MESSAGES - (size_t)partition->position;
        done = partition_take(partition, &messages[partition->position], count < POLL ? count : POLL, &error);
    } else {
        done = partition_commit(partition, &answer, &error);
    }
    assert_int_equal(answer, COMMIT_OK);
    assert_true(done || (error.code == ERROR_INTERNAL && strstr(error.message, "memory")));
    return done;
}

static void assert_committed(void)
{
    struct slot_reader reader;
    struct error error = {0};
    failing_memory_pause();
    slot_reader_init(&reader, slot_id_of(&source, 0), &source);
    assert_true(memory.store.operations->read(&memory.store, &reader, &error));
    if (!slot_reader_audit(&reader, &error))
        fail_msg("%s", error.message);
    for (size_t view = 0; reader.slot.next == MESSAGES && view < VIEWS; view++) {
        struct cell_total total = {0};
        cell_total_add(&total, &reader.epochs[0].panes[view]);
        assert_int_equal(cell_total(&total)->count, expected_counts[view]);
        assert_true(cell_total(&total)->sums[0].total == expected_cents[view]);
    }
    slot_reader_clean_up(&reader);
    failing_memory_resume();
}

static bool own_definitions(struct realtime_store *store, const char *of, int32_t partition,
                            struct slot_definitions *ret_definitions, struct error *error)
{
    (void)store;
    return memory.store.operations->definitions(&memory.store, of, partition, ret_definitions, error);
}

static const struct realtime_store_operations realtime_operations = {.read_slot = own_read_slot,
                                                                     .read = own_read,
                                                                     .init = own_init,
                                                                     .commit = own_commit,
                                                                     .definitions = own_definitions};
static const struct publication_store_operations publication_operations = {.read = own_publication};

static bool follow_log(void *context)
{
    (void)context;
    struct realtime_store realtime = {&realtime_operations};
    struct publication_store publications = {&publication_operations};
    struct index_budget budget = {.ceiling_bytes = INT64_MAX};
    const struct partition_environment environment = {
        .realtime = &realtime, .publications = &publications, .budget = &budget};
    failing_memory_pause();
    memory_realtime_init(&memory, &source);
    failing_memory_resume();
    struct partition *partition = partition_new(&environment, &source, 0);
    for (int failures = 0; partition && failures < TRIES && memory.slots[0].slot.next < MESSAGES;) {
        failures += !step(partition);
        if (memory.slots[0].slot.exists)
            assert_committed();
    }
    bool done = memory.slots[0].slot.exists && memory.slots[0].slot.next == MESSAGES;
    partition_destroy(partition);
    failing_memory_pause();
    memory_realtime_clean_up(&memory);
    failing_memory_resume();
    return done;
}

/* --- a worker that follows it --- */

/* A group of one member, which gives its partition until it is taken. */
struct group {
    struct consumer consumer; /* first */
    struct worker *worker;
    bool is_taken;
    int64_t position; /* -1: nothing is fetched */
};

static struct group *of(struct consumer *consumer)
{
    return (struct group *)(void *)consumer;
}

static bool assign(struct consumer *consumer, const struct consumer_position positions[], size_t count,
                   struct error *error)
{
    (void)error;
    of(consumer)->position = count ? positions[0].offset : -1;
    return true;
}

static bool poll_messages(struct consumer *consumer, int timeout_ms, bool gathers)
{
    (void)timeout_ms, (void)gathers;
    struct group *group = of(consumer);
    const struct consumer_events events = worker_events(group->worker);
    size_t count = 0;
    now_us += 6 * US_PER_SECOND; /* longer than any wait after a failure */
    if (!group->is_taken)
        group->is_taken = events.assigned(events.context, &(struct consumer_position){"orders", 0, -1}, 1);
    else if (group->position >= 0)
        count = MESSAGES - (size_t)group->position < POLL ? MESSAGES - (size_t)group->position : POLL;
    int64_t from = group->position;
    group->position += (int64_t)count;
    if (count)
        events.messages(events.context, "orders", 0, &messages[from], count);
    return group->position < MESSAGES;
}

static void ask_extents(struct consumer *consumer, struct consumer_extent extents[], size_t count)
{
    (void)consumer;
    for (size_t i = 0; i < count; i++) {
        extents[i].error.code = ERROR_NONE;
        extents[i].first = 0;
        extents[i].end = MESSAGES;
    }
}

static int64_t known_end(struct consumer *consumer, const char *topic, int32_t partition)
{
    (void)consumer, (void)topic, (void)partition;
    return MESSAGES;
}

static int64_t group_offset_at(struct consumer *consumer, const char *topic, int32_t partition, int64_t at_us)
{
    (void)consumer, (void)topic, (void)partition, (void)at_us;
    return -1;
}

static bool partition_count(struct consumer *consumer, const char *topic, int32_t *ret_count, struct error *error)
{
    (void)consumer, (void)topic, (void)error;
    *ret_count = 1;
    return true;
}

static bool cluster(struct consumer *consumer, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    (void)consumer, (void)error;
    memcpy(ret_cluster, "c", 2);
    return true;
}

static void commit_group_offsets(struct consumer *consumer, const struct group_offset offsets[], size_t count)
{
    (void)consumer, (void)offsets, (void)count;
}

static void leave(struct consumer *consumer)
{
    const struct consumer_events events = worker_events(of(consumer)->worker);
    events.revoked(events.context, false);
}

static bool latest(void *context, size_t number, struct publication *ret_publication)
{
    (void)context, (void)number;
    *ret_publication = (struct publication){0};
    return true;
}

static bool work_until_the_end(void *context)
{
    (void)context;
    static const struct consumer_operations consumer_operations = {.assign = assign,
                                                                   .poll = poll_messages,
                                                                   .extents = ask_extents,
                                                                   .known_end = known_end,
                                                                   .real_end = real_end,
                                                                   .offset_at = group_offset_at,
                                                                   .partition_count = partition_count,
                                                                   .cluster = cluster,
                                                                   .commit_group_offsets = commit_group_offsets,
                                                                   .destroy = leave};
    struct realtime_store realtime = {&realtime_operations};
    struct publication_store publications = {&publication_operations};
    struct settings settings = {
        .sources = &source,
        .source_count = 1,
        .speed = {.flush_every_us = 1, .flush_messages = 1000, .groups_max = 1000, .live_groups_max = 100000}};
    struct speed speed = {.settings = &settings, .latest = latest, .budget = {.ceiling_bytes = INT64_MAX}};
    const struct worker_stores stores = {.realtime = &realtime, .publications = &publications};
    struct worker *worker = worker_new(&speed, 0, &stores);
    if (!worker)
        return false;
    struct group group = {.consumer = {&consumer_operations}, .worker = worker, .position = -1};
    failing_memory_pause();
    memory_realtime_init(&memory, &source);
    failing_memory_resume();
    worker_attach(worker, &group.consumer);
    for (int turn = 0; turn < TURNS && !worker_has_reached_ends(worker); turn++)
        worker_turn(worker);
    bool done = worker_has_reached_ends(worker);
    assert_true(!done || memory.slots[0].slot.next == MESSAGES);
    if (memory.slots[0].slot.exists)
        assert_committed();
    worker_destroy(worker);
    failing_memory_pause();
    memory_realtime_clean_up(&memory);
    failing_memory_resume();
    return done;
}

static void a_worker_is_not_at_the_end_before_it_has_read_all_and_gets_there_when_there_is_memory(void **state)
{
    (void)state;
    unsigned long allocations = fail_every_allocation(work_until_the_end, NULL);
    assert_true(allocations > 10);
}

static void a_partition_commits_what_is_right_and_goes_on_when_there_is_memory(void **state)
{
    (void)state;
    unsigned long allocations = fail_every_allocation(follow_log, NULL);
    assert_true(allocations > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_is_not_at_the_end_before_it_has_read_all_and_gets_there_when_there_is_memory),
        cmocka_unit_test(a_partition_commits_what_is_right_and_goes_on_when_there_is_memory),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
