/* SPDX-License-Identifier: Apache-2.0
 * A worker over a store in memory and a consumer that gives what a test tells it to give, at a time that only polls
 * let pass. */
#include "cmocka_test.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/zone.h"
#include "memory_realtime.h"
#include "worker/state.h"

enum { PARTITIONS = MEMORY_PARTITIONS_MAX, MESSAGES = 6000, POLL_MAX = 2000 };
#define POLL_US 1000
#define BEGAN_US INT64_C(1700000000000000)
#define DEADLINE_US (60 * US_PER_SECOND)

static int64_t now_us;

int64_t clock_monotonic_us(void)
{
    return now_us;
}

int64_t clock_wall_us(void)
{
    return BEGAN_US + now_us;
}

static const struct field fields[] = {{"amount", FIELD_DECIMAL, 2}};

struct world {
    struct consumer consumer; /* first */
    struct settings settings;
    struct zone *zone;
    struct view view;
    struct source source;
    struct memory_realtime realtime;
    struct publication_store publications;
    struct speed speed;
    struct worker *worker;
    char payloads[MESSAGES][80];
    struct log {
        int64_t position, end; /* what is fetched next, -1 nothing; and where the log ends */
        int64_t first;         /* where it begins */
        int64_t real_end;      /* where more lies behind an open transaction, beyond `end`; 0: none */
        int64_t damaged;       /* there lies what can't be read; -1 nothing does */
    } logs[PARTITIONS];
    int32_t partitions; /* of the topic */
    size_t poll_most;   /* messages of a partition */
    bool gathers;       /* the last poll was told to */
    bool is_member;
    bool is_leaderless; /* no partition's end can be asked */
    int questions;      /* about where partitions begin and end */
    int assignments;    /* each of which drops what was fetched ahead */
};

/* --- the world --- */

static struct world *of(struct consumer *consumer)
{
    return (struct world *)(void *)consumer;
}

static bool assign(struct consumer *consumer, const struct consumer_position positions[], size_t count,
                   struct error *error)
{
    (void)error;
    struct world *world = of(consumer);
    world->assignments++;
    for (int32_t i = 0; i < world->partitions; i++)
        world->logs[i].position = -1;
    for (size_t i = 0; i < count; i++)
        world->logs[positions[i].partition].position = positions[i].offset;
    return true;
}

static void join_group(struct world *world, const struct consumer_events *events)
{
    struct consumer_position given[PARTITIONS];
    for (int32_t i = 0; i < world->partitions; i++)
        given[i] = (struct consumer_position){"orders", i, -1};
    world->is_member = events->assigned(events->context, given, (size_t)world->partitions);
}

/* As librdkafka does where a batch is damaged: it says so, and goes on behind it, here by one message. True where there
 * is more. */
static bool fetch(struct world *world, int32_t number, const struct consumer_events *events)
{
    struct log *log = &world->logs[number];
    struct log_message messages[POLL_MAX];
    struct error error;
    size_t count = 0;
    if (log->position >= 0 && log->position == log->damaged) {
        error_set(&error, ERROR_UNAVAILABLE, "offset %" PRId64 " can't be read", log->position);
        events->unreadable(events->context, "orders", number, &error);
        log->position++;
    }
    for (; log->position >= 0 && log->position < log->end && log->position != log->damaged && count < world->poll_most;
         log->position++)
        messages[count++] = (struct log_message){.offset = log->position,
                                                 .record_time_us = BEGAN_US + log->position * 60 * US_PER_SECOND,
                                                 .payload = text_of(world->payloads[log->position])};
    if (count)
        events->messages(events->context, "orders", number, messages, count);
    else if (log->position == log->end)
        events->end(events->context, "orders", number, log->end);
    return log->position >= 0 && log->position < log->end;
}

static bool poll_messages(struct consumer *consumer, int timeout_ms, bool gathers)
{
    (void)timeout_ms;
    struct world *world = of(consumer);
    world->gathers = gathers;
    const struct consumer_events events = worker_events(world->worker);
    bool has_more = false;
    now_us += POLL_US;
    if (!world->is_member)
        join_group(world, &events);
    for (int32_t i = 0; i < world->partitions; i++)
        has_more |= fetch(world, i, &events);
    return has_more;
}

static void ask_extents(struct consumer *consumer, struct consumer_extent extents[], size_t count)
{
    struct world *world = of(consumer);
    world->questions++;
    for (size_t i = 0; i < count; i++) {
        extents[i].error.code = ERROR_NONE;
        if (world->is_leaderless)
            error_set(&extents[i].error, ERROR_UNAVAILABLE, "no leader");
        extents[i].first = world->logs[extents[i].partition].first;
        extents[i].end = world->logs[extents[i].partition].end;
    }
}

static int64_t known_end(struct consumer *consumer, const char *topic, int32_t partition)
{
    (void)topic;
    return of(consumer)->logs[partition].end;
}

static int64_t real_end(struct consumer *consumer, const char *topic, int32_t partition)
{
    (void)topic;
    return of(consumer)->logs[partition].real_end;
}

static int64_t offset_at(struct consumer *consumer, const char *topic, int32_t partition, int64_t at_us)
{
    (void)consumer, (void)topic, (void)partition, (void)at_us;
    return -1;
}

static bool partition_count(struct consumer *consumer, const char *topic, int32_t *ret_count, struct error *error)
{
    (void)topic, (void)error;
    *ret_count = of(consumer)->partitions;
    return true;
}

static bool cluster(struct consumer *consumer, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    (void)consumer, (void)error;
    memcpy(ret_cluster, "memory", 7);
    return true;
}

static void commit_group_offsets(struct consumer *consumer, const struct group_offset offsets[], size_t count)
{
    (void)consumer, (void)offsets, (void)count;
}

static void leave(struct consumer *consumer)
{
    struct consumer_events events = worker_events(of(consumer)->worker);
    events.revoked(events.context, false);
}

static bool read_publication(struct publication_store *store, const struct source *source,
                             struct publication *ret_publication, struct error *error)
{
    (void)store, (void)source, (void)error;
    *ret_publication = (struct publication){0};
    return true;
}

static bool latest(void *context, size_t source, struct publication *ret_publication)
{
    (void)context, (void)source;
    *ret_publication = (struct publication){0};
    return true;
}

static const struct consumer_operations consumer_operations = {.assign = assign,
                                                               .poll = poll_messages,
                                                               .extents = ask_extents,
                                                               .known_end = known_end,
                                                               .real_end = real_end,
                                                               .offset_at = offset_at,
                                                               .partition_count = partition_count,
                                                               .cluster = cluster,
                                                               .commit_group_offsets = commit_group_offsets,
                                                               .destroy = leave};
static const struct publication_store_operations publication_operations = {.read = read_publication};

/* Partitions of orders, a minute apart, so that each has a group of its own. */
static void world_init(struct world *world, int32_t partitions, int64_t live_groups_max)
{
    struct error error;
    memset(world, 0, sizeof *world);
    assert_true(zone_open("UTC", &world->zone, &error));
    world->source = (struct source){.name = "orders",
                                    .topic = "orders",
                                    .views = &world->view,
                                    .view_count = 1,
                                    .on_duplicate = ON_DUPLICATE_NONE,
                                    .schema = {.fields = fields,
                                               .field_count = 1,
                                               .key = FIELD_NONE,
                                               .event_time = "at",
                                               .event_time_unit = TIME_MICROSECONDS,
                                               .max_future_us = 3600 * US_PER_SECOND}};
    world->view = (struct view){.name = "v",
                                .schema = &world->source.schema,
                                .window = {.length_s = 60},
                                .zone = world->zone,
                                .sums = {0},
                                .sum_count = 1};
    source_fingerprint(&world->source);
    memory_realtime_init(&world->realtime, &world->source);
    world->publications.operations = &publication_operations;
    world->settings.sources = &world->source;
    world->settings.source_count = 1;
    world->settings.speed.flush_every_us = 1; /* each poll */
    world->settings.speed.flush_messages = 1000000;
    world->settings.speed.groups_max = 100000;
    world->settings.speed.live_groups_max = live_groups_max;
    world->speed = (struct speed){.settings = &world->settings, .latest = latest};
    world->consumer.operations = &consumer_operations;
    world->partitions = partitions;
    for (int32_t i = 0; i < partitions; i++)
        world->logs[i] = (struct log){.position = -1, .damaged = -1};
    world->poll_most = POLL_MAX;
    for (int64_t i = 0; i < MESSAGES; i++)
        snprintf(world->payloads[i], sizeof world->payloads[i], "{\"amount\": 1.00, \"at\": %" PRId64 "}",
                 BEGAN_US + i * 60 * US_PER_SECOND);
    const struct worker_stores stores = {.realtime = &world->realtime.store, .publications = &world->publications};
    world->worker = worker_new(&world->speed, 0, &stores);
    assert_non_null(world->worker);
    worker_attach(world->worker, &world->consumer);
}

static void world_clean_up(struct world *world)
{
    worker_destroy(world->worker);
    memory_realtime_clean_up(&world->realtime);
    zone_close(world->zone);
}

static const struct slot *slot_of(const struct world *world, int32_t partition)
{
    return &world->realtime.slots[partition].slot;
}

static const struct slot *slot(const struct world *world)
{
    return slot_of(world, 0);
}

/* Turns until so much is committed. */
static void work_until(struct world *world, int64_t next)
{
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    while (slot(world)->next != next && clock_monotonic_us() < deadline_us)
        worker_turn(world->worker);
    assert_int_equal(slot(world)->next, next);
}

/* Turns until the slot has this alarm. */
static void work_until_alarm(struct world *world, const char *alarm)
{
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    while (strcmp(slot(world)->alarm, alarm) != 0 && clock_monotonic_us() < deadline_us)
        worker_turn(world->worker);
    assert_string_equal(slot(world)->alarm, alarm);
}

/* --- when what is pending is due --- */

static void quiet_partition_waits_no_longer_beside_a_busy_one(void **state)
{
    (void)state;
    static struct world world;
    enum { BUSY, QUIET };
    world_init(&world, 2, 1000000);
    world.settings.speed.flush_every_us = 50 * POLL_US;
    world.settings.speed.flush_messages = 5;
    world.poll_most = 10; /* the busy one commits by count in each turn */
    world.logs[BUSY].end = MESSAGES;
    work_until(&world, 1000);
    world.logs[QUIET].end = 1;
    int64_t produced_us = now_us;
    while (slot_of(&world, QUIET)->next < 1 && slot_of(&world, BUSY)->next < MESSAGES)
        worker_turn(world.worker);
    assert_int_equal(slot_of(&world, QUIET)->next, 1);
    assert_in_range(now_us - produced_us, 0, world.settings.speed.flush_every_us + 2 * POLL_US);
    world_clean_up(&world);
}

static void turn_times(struct world *world, int times)
{
    for (int i = 0; i < times; i++)
        worker_turn(world->worker);
}

static void order_that_comes_alone_is_committed_in_the_turn_that_takes_it(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    world.settings.speed.flush_every_us = 50 * POLL_US;
    world.logs[0].end = 1;
    work_until(&world, 1);
    turn_times(&world, 10);
    world.logs[0].end = 2;
    turn_times(&world, 1);
    assert_false(world.gathers);
    assert_int_equal(slot(&world)->next, 2);
    world_clean_up(&world);
}

static void order_that_comes_soon_after_a_commit_waits_for_a_fifth_of_flush_every(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    world.settings.speed.flush_every_us = 50 * POLL_US;
    world.logs[0].end = 1;
    work_until(&world, 1);
    world.logs[0].end = 2;
    turn_times(&world, 9);
    assert_true(world.gathers);
    assert_int_equal(slot(&world)->next, 1);
    turn_times(&world, 1);
    assert_int_equal(slot(&world)->next, 2);
    world_clean_up(&world);
}

static void no_commit_is_early_while_there_is_more_to_take(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    world.settings.speed.flush_every_us = 50 * POLL_US;
    world.poll_most = 10;
    world.logs[0].end = MESSAGES;
    while (slot(&world)->next == 0)
        worker_turn(world.worker);
    assert_int_equal(slot(&world)->next, 10);
    turn_times(&world, 49);
    assert_true(world.gathers);
    assert_int_equal(slot(&world)->next, 10);
    turn_times(&world, 1);
    assert_int_equal(slot(&world)->next, 510);
    world_clean_up(&world);
}

#define COMMIT_US (10 * POLL_US)
static const struct realtime_store_operations *quick;
static int commits;

static bool commit_slowly(struct realtime_store *store, const struct commit given[], size_t count,
                          struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    commits += (int)count;
    now_us += (int64_t)count * COMMIT_US;
    return quick->commit(store, given, count, ret_outcomes, ret_answered, error);
}

static void make_slow(struct world *world)
{
    static struct realtime_store_operations slow;
    quick = world->realtime.store.operations;
    slow = *quick;
    slow.commit = commit_slowly;
    world->realtime.store.operations = &slow;
}

static int commits_within(struct world *world, int64_t us)
{
    int64_t until_us = now_us + us;
    commits = 0;
    while (now_us < until_us)
        worker_turn(world->worker);
    return commits;
}

static int round_trips;

/* As where the slot of the second partition is damaged, and that of the fourth has something to take all the same. */
static bool commit_but_the_second(struct realtime_store *store, const struct commit given[], size_t count,
                                  struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    round_trips++;
    for (size_t i = 0; i < count; i++)
        if (given[i].id.partition == 1) {
            struct commit_outcome unheard;
            size_t behind;
            assert_true(quick->commit(store, given, i, ret_outcomes, ret_answered, error));
            if (i + 2 < count)
                assert_true(quick->commit(store, &given[i + 2], 1, &unheard, &behind, error));
            return error_set(error, ERROR_DATA, "damaged");
        }
    return quick->commit(store, given, count, ret_outcomes, ret_answered, error);
}

static void partitions_that_are_due_are_committed_together_and_a_damaged_one_holds_no_other(void **state)
{
    (void)state;
    static struct world world;
    static struct realtime_store_operations damaged;
    world_init(&world, 4, 1000000);
    quick = world.realtime.store.operations;
    damaged = *quick;
    damaged.commit = commit_but_the_second;
    world.settings.speed.flush_every_us = 4 * POLL_US;
    worker_turn(world.worker);
    worker_turn(world.worker);
    for (int32_t i = 0; i < 4; i++)
        world.logs[i].end = 10;
    world.realtime.store.operations = &damaged;
    round_trips = 0;
    for (int i = 0; i < 100 && round_trips == 0; i++)
        worker_turn(world.worker);
    assert_int_equal(round_trips, 2); /* up to the damaged one, and behind it */
    for (int32_t i = 0; i < 4; i++)
        assert_int_equal(slot_of(&world, i)->next, i == 1 ? 0 : 10);
    world.realtime.store.operations = quick;
    for (int i = 0; i < 1000 && slot_of(&world, 1)->next < 10; i++)
        worker_turn(world.worker);
    assert_int_equal(slot_of(&world, 1)->next, 10);
    world_clean_up(&world);
}

static void partition_that_is_behind_gathers_until_commits_take_a_twentieth_of_the_time(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    make_slow(&world);
    world.settings.speed.flush_every_us = 50 * POLL_US;
    world.poll_most = 1;
    world.logs[0].end = MESSAGES;
    commits_within(&world, 2 * US_PER_SECOND); /* until it is known what one takes */
    int rare = commits_within(&world, 2 * US_PER_SECOND);
    assert_in_range(rare, 9, 13); /* every 200 ms; 33 if they came every 50 */
    assert_true(slot(&world)->next < MESSAGES);
    work_until(&world, MESSAGES);
    world_clean_up(&world);
}

static void early_commits_take_a_fiftieth_of_the_time(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    make_slow(&world);
    world.settings.speed.flush_every_us = US_PER_SECOND;
    world.logs[0].end = 1;
    work_until(&world, 1);
    int64_t until_us = now_us + 4 * US_PER_SECOND;
    commits = 0;
    while (now_us < until_us) {
        world.logs[0].end++;
        worker_turn(world.worker);
    }
    assert_in_range(commits, 7, 8); /* every 510 ms; 4 if none were early, 19 if all that may be */
    world_clean_up(&world);
}

/* --- opening and leaving --- */

static bool are_open(const struct world *world)
{
    for (int32_t i = 0; i < world->partitions; i++)
        if (world->logs[i].position < 0)
            return false;
    return true;
}

/* Standard error goes to a file until it is looked at. */
static FILE *begin_capture(int *ret_before)
{
    FILE *said = tmpfile();
    assert_non_null(said);
    *ret_before = dup(STDERR_FILENO);
    assert_true(dup2(fileno(said), STDERR_FILENO) >= 0);
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    return said;
}

/* Lines that have this word. */
static int end_capture(FILE *said, int before, const char *word)
{
    char line[1000];
    int lines = 0;
    log_configure("test", LOG_FORMAT_TEXT, (enum log_level)(LOG_LEVEL_ERROR + 1));
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    rewind(said);
    while (fgets(line, sizeof line, said))
        lines += strstr(line, word) != NULL;
    fclose(said);
    return lines;
}

static void partitions_that_wait_for_one_reason_say_so_once(void **state)
{
    (void)state;
    static struct world world;
    int before;
    world_init(&world, PARTITIONS, 1000000);
    world.is_leaderless = true;
    const struct consumer_events events = worker_events(world.worker);
    FILE *said = begin_capture(&before);
    for (world.partitions = 1; world.partitions < PARTITIONS; world.partitions++) { /* one more is given each time */
        events.revoked(events.context, false);
        world.is_member = false;
        worker_turn(world.worker);
        worker_turn(world.worker);
    }
    assert_int_equal(end_capture(said, before, "no leader"), 1);
    world_clean_up(&world);
}

static void work_until_open(struct world *world)
{
    int64_t deadline_us = now_us + DEADLINE_US;
    while (!are_open(world) && now_us < deadline_us)
        worker_turn(world->worker);
    assert_true(are_open(world));
}

static void partitions_are_opened_with_one_question_for_all(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, PARTITIONS, 1000000);
    work_until_open(&world);
    assert_int_equal(world.questions, 1);
    world_clean_up(&world);
}

static void end_of_the_log_is_unknown_from_leaving_a_partition_until_it_is_followed_again(void **state)
{
    (void)state;
    static struct world world;
    enum { READ, EMPTY };
    world_init(&world, 2, 1000000);
    world.logs[READ].end = 10;
    work_until(&world, 10);
    for (int32_t i = READ; i <= EMPTY; i++)
        assert_int_equal(slot_of(&world, i)->end, world.logs[i].end);
    leave(&world.consumer);
    for (int32_t i = READ; i <= EMPTY; i++) {
        assert_int_equal(slot_of(&world, i)->end, LOG_END_UNKNOWN);
        world.logs[i].position = -1;
    }
    world.is_member = false;
    worker_turn(world.worker); /* it is given both again */
    assert_true(world.is_member);
    for (int32_t i = READ; i <= EMPTY; i++)
        assert_int_equal(slot_of(&world, i)->end, LOG_END_UNKNOWN);
    world.logs[READ].end = 12;
    work_until(&world, 12);
    for (int32_t i = READ; i <= EMPTY; i++)
        assert_int_equal(slot_of(&world, i)->end, world.logs[i].end);
    world_clean_up(&world);
}

/* --- room for groups --- */

static void partition_takes_what_there_is_room_for_however_much_a_poll_brings(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 2000);
    world.logs[0].end = 370;
    work_until(&world, 370);
    world.logs[0].end = MESSAGES; /* with 370 groups in the slot comes a poll of 2000 */
    work_until_alarm(&world, "groups");
    assert_in_range(slot(&world)->next, 2000 / 10 * 9 + 1, 2000);
    world_clean_up(&world);
}

static void slot_that_is_half_full_asks_for_room(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 2000);
    world.logs[0].end = 900;
    work_until(&world, 900);
    assert_int_equal(slot(&world)->wanted_epoch, 0);
    world.logs[0].end = 1001;
    work_until(&world, 1001);
    assert_int_equal(slot(&world)->wanted_epoch, 1);
    world_clean_up(&world);
}

static void bytes_have_a_ceiling_too(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    world.worker->environment.limits.bytes = 100000;
    world.logs[0].end = MESSAGES;
    work_until_alarm(&world, "groups");
    assert_in_range(slot(&world)->next, 100000 / 110 / 10 * 9, 100000 / 100);
    assert_int_equal(slot(&world)->wanted_epoch, 1);
    world_clean_up(&world);
}

static void partition_without_room_does_not_disturb_the_others(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 2, 100);
    world.logs[0].end = MESSAGES;
    work_until_alarm(&world, "groups");
    worker_turn(world.worker);
    int assignments = world.assignments, questions = world.questions;
    int64_t until_us = now_us + 20 * US_PER_SECOND;
    while (now_us < until_us)
        worker_turn(world.worker);
    assert_true(world.questions > questions + 1); /* whether there is room again is looked at */
    assert_int_equal(world.assignments, assignments);
    assert_string_equal(slot(&world)->alarm, "groups");
    world_clean_up(&world);
}

static void least_room_for_groups_is_still_some(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1);
    world.logs[0].end = 10;
    work_until_alarm(&world, "groups");
    assert_int_equal(slot(&world)->next, 1);
    world_clean_up(&world);
}

/* --- what can't be read --- */

static void nothing_behind_what_cannot_be_read_is_taken(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    world.logs[0].end = 100;
    world.logs[0].damaged = 40;
    work_until_alarm(&world, "unreadable");
    assert_int_equal(slot(&world)->next, 40);
    for (int turn = 0; turn < 200; turn++)
        worker_turn(world.worker);
    assert_int_equal(slot(&world)->next, 40);
    world.logs[0].damaged = -1;
    work_until(&world, 100);
    assert_int_equal(panes_count(&world.realtime.slots[0].cells.epochs[0].panes[0]), 100);
    work_until_alarm(&world, "");
    world_clean_up(&world);
}

/* --- what is bad --- */

/* What is logged goes to this file meanwhile. */
static FILE *begin_log(int *ret_stderr)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    *ret_stderr = dup(STDERR_FILENO);
    assert_true(*ret_stderr >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    log_configure("tidemark-speed", LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
    return file;
}

static const char *end_log(FILE *file, int stderr_copy)
{
    static char text[100000];
    log_configure("tidemark-speed", LOG_FORMAT_TEXT, (enum log_level)(LOG_LEVEL_ERROR + 1));
    assert_true(dup2(stderr_copy, STDERR_FILENO) >= 0);
    (void)close(stderr_copy);
    rewind(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    return text;
}

static void bad_messages_are_told_with_place_and_reason(void **state)
{
    (void)state;
    static struct world world;
    int stderr_copy;
    world_init(&world, 1, 1000000);
    world.poll_most = 100;
    world.logs[0].end = 100;
    for (int i = 10; i < 60; i++)
        snprintf(world.payloads[i], sizeof world.payloads[i], "{\"amount\": \"1.00\", \"at\": %" PRId64 "}", BEGAN_US);
    FILE *file = begin_log(&stderr_copy);
    work_until(&world, 100);
    const char *text = end_log(file, stderr_copy);
    assert_non_null(strstr(text, "orders/0: 50 bad messages, the last at offset 59: amount: a number in quotes; see "
                                 "tidemark-batch dead-letters list --source orders"));
    world_clean_up(&world);
}

static void breaker_tells_what_was_wrong(void **state)
{
    (void)state;
    static struct world world;
    int stderr_copy;
    world_init(&world, 1, 1000000);
    world.source.breaker = 20;
    world.logs[0].end = 100;
    for (int i = 10; i < 60; i++)
        snprintf(world.payloads[i], sizeof world.payloads[i], "{\"amount\": null, \"at\": %" PRId64 "}", BEGAN_US);
    FILE *file = begin_log(&stderr_copy);
    work_until_alarm(&world, "breaker");
    const char *text = end_log(file, stderr_copy);
    assert_non_null(
        strstr(text, "more than 20 of its last 40 messages are bad, the last at offset 30: amount: null. "));
    assert_non_null(strstr(text, "tidemark-batch dead-letters list --source orders"));
    world_clean_up(&world);
}

/* --- what lies behind an open transaction --- */

/* Turns for so long. */
static void work_for(struct world *world, int64_t span_us)
{
    for (int64_t until_us = now_us + span_us; now_us < until_us;)
        worker_turn(world->worker);
}

static void open_transaction_is_told_after_a_minute_and_when_it_ends(void **state)
{
    (void)state;
    static struct world world;
    int stderr_copy;
    world_init(&world, 1, 1000000);
    world.logs[0].end = 10;
    work_until(&world, 10);
    world.logs[0].real_end = 110;
    FILE *file = begin_log(&stderr_copy);
    work_for(&world, 50 * US_PER_SECOND);
    assert_string_equal(end_log(file, stderr_copy), "");
    assert_int_equal(slot(&world)->end, 10);
    assert_int_equal(slot_uncommitted(slot(&world)), 100);
    file = begin_log(&stderr_copy);
    work_for(&world, 200 * US_PER_SECOND);
    const char *text = end_log(file, stderr_copy),
               *line = strstr(text, "orders/0: a transaction has been open at offset "
                                    "10 for a minute, and the 100 offsets");
    assert_non_null(line);
    assert_null(strstr(line + 20, "a transaction has been open"));
    world.logs[0].end = 110;
    world.logs[0].real_end = 110;
    work_until(&world, 110);
    assert_int_equal(slot_uncommitted(slot(&world)), 0);
    world_clean_up(&world);
}

/* Another process takes the worker's place. */
static void restart(struct world *world)
{
    worker_destroy(world->worker);
    const struct worker_stores stores = {.realtime = &world->realtime.store, .publications = &world->publications};
    world->worker = worker_new(&world->speed, 0, &stores);
    assert_non_null(world->worker);
    worker_attach(world->worker, &world->consumer);
    world->is_member = false;
}

/* Nothing comes, and the last message alone is read again: it must still be said that somebody reads. */
static void partition_that_is_opened_again_and_idle_is_committed(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    world.logs[0].end = 10;
    work_until(&world, 10);
    restart(&world);
    int64_t sequence = slot(&world)->sequence;
    work_for(&world, 20 * US_PER_SECOND);
    assert_int_equal(slot(&world)->next, 10);
    assert_true(slot(&world)->sequence > sequence);
    world_clean_up(&world);
}

/* --- idle times --- */

/* A minute is a source's idle_after here. */
static void world_init_silent(struct world *world)
{
    world_init(world, 1, 1000000);
    world->source.idle_after_us = 60 * US_PER_SECOND;
    world->logs[0].end = 10;
    work_until(world, 10);
}

static void silent_partition_gets_an_idle_time_with_each_commit(void **state)
{
    (void)state;
    static struct world world;
    world_init_silent(&world);
    work_for(&world, 59 * US_PER_SECOND);
    assert_int_equal(slot(&world)->idle_us, 0);
    work_for(&world, 11 * US_PER_SECOND);
    int64_t idle_us = slot(&world)->idle_us;
    assert_in_range(idle_us, BEGAN_US, clock_wall_us() - 60 * US_PER_SECOND);
    work_for(&world, 10 * US_PER_SECOND);
    assert_true(slot(&world)->idle_us >= idle_us + 5 * US_PER_SECOND);
    idle_us = slot(&world)->idle_us;
    world.logs[0].end = 20; /* what comes ends the silence, and leaves the idle time */
    work_until(&world, 20);
    work_for(&world, 50 * US_PER_SECOND);
    assert_int_equal(slot(&world)->idle_us, idle_us);
    work_for(&world, 20 * US_PER_SECOND);
    assert_true(slot(&world)->idle_us > idle_us);
    world_clean_up(&world);
}

static void process_that_begins_waits_for_the_silence_again_and_takes_nothing_back(void **state)
{
    (void)state;
    static struct world world;
    world_init_silent(&world);
    work_for(&world, 70 * US_PER_SECOND);
    restart(&world);
    int64_t idle_us = slot(&world)->idle_us;
    assert_true(idle_us > 0);
    work_for(&world, 50 * US_PER_SECOND);
    assert_int_equal(slot(&world)->idle_us, idle_us);
    world_clean_up(&world);
}

static void what_waits_behind_a_transaction_is_no_silence(void **state)
{
    (void)state;
    static struct world world;
    world_init_silent(&world);
    world.logs[0].real_end = 11;
    work_for(&world, 100 * US_PER_SECOND);
    assert_int_equal(slot(&world)->idle_us, 0);
    world.logs[0].real_end = 0;
    work_for(&world, 10 * US_PER_SECOND);
    assert_true(slot(&world)->idle_us > 0);
    world_clean_up(&world);
}

static void log_that_can_not_be_reached_is_no_silence(void **state)
{
    (void)state;
    static struct world world;
    struct error error;
    world_init_silent(&world);
    error_set(&error, ERROR_UNAVAILABLE, "no broker");
    for (int i = 0; i < 10; i++) {
        const struct consumer_events events = worker_events(world.worker);
        work_for(&world, 30 * US_PER_SECOND);
        events.trouble(events.context, &error);
    }
    assert_int_equal(slot(&world)->idle_us, 0);
    world_clean_up(&world);
}

static void transactions_that_come_and_go_are_not_told(void **state)
{
    (void)state;
    static struct world world;
    int stderr_copy;
    world_init(&world, 1, 1000000);
    FILE *file = begin_log(&stderr_copy);
    for (int64_t end = 10; end < 100; end += 10) {
        world.logs[0].end = end;
        world.logs[0].real_end = end + 5;
        work_for(&world, 30 * US_PER_SECOND);
        assert_int_equal(slot_uncommitted(slot(&world)), 5);
    }
    assert_string_equal(end_log(file, stderr_copy), "");
    world_clean_up(&world);
}

/* --- what another installation reads --- */

static bool second_is_foreign(void *context, size_t number, struct foreign_partition *ret_partition)
{
    (void)context;
    *ret_partition = (struct foreign_partition){.source = 0, .partition = 1};
    return number == 0;
}

static void slot_of_a_foreign_partition_says_so_once_until_it_is_ours(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1, 1000000);
    world.logs[0].end = 10;
    world.logs[1] = (struct log){.position = -1, .end = 5, .damaged = -1};
    world.speed.foreign = second_is_foreign;
    work_until(&world, 10);
    work_for(&world, 20 * US_PER_SECOND);
    assert_true(slot_of(&world, 1)->exists);
    assert_string_equal(slot_of(&world, 1)->alarm, SLOT_ALARM_FOREIGN);
    assert_int_equal(slot_of(&world, 1)->next, 0);
    assert_int_equal(slot_of(&world, 1)->sequence, 1); /* whoever commits again and again seems to read it */
    assert_string_equal(slot(&world)->alarm, "");
    world.speed.foreign = NULL;
    world.partitions = 2;
    restart(&world);
    for (int64_t until_us = now_us + DEADLINE_US; slot_of(&world, 1)->next < 5 && now_us < until_us;)
        worker_turn(world.worker);
    assert_int_equal(slot_of(&world, 1)->next, 5);
    assert_string_equal(slot_of(&world, 1)->alarm, "");
    world_clean_up(&world);
}

/* What the log has lost is told by who reads on. */
static void slot_of_a_foreign_partition_says_so_also_behind_a_gap(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 2, 1000000);
    world.logs[0].end = world.logs[1].end = 5;
    work_for(&world, 20 * US_PER_SECOND);
    assert_int_equal(slot_of(&world, 1)->next, 5);
    world.logs[1] = (struct log){.position = -1, .end = 10, .first = 8, .damaged = -1};
    world.speed.foreign = second_is_foreign;
    world.partitions = 1;
    restart(&world);
    work_for(&world, 20 * US_PER_SECOND);
    assert_string_equal(slot_of(&world, 1)->alarm, SLOT_ALARM_FOREIGN);
    assert_true(slot_of(&world, 1)->next == 5 && slot_of(&world, 1)->gaps.count == 0);
    world.speed.foreign = NULL;
    world.partitions = 2;
    restart(&world);
    work_for(&world, 20 * US_PER_SECOND);
    assert_string_equal(slot_of(&world, 1)->alarm, "");
    assert_true(slot_of(&world, 1)->next == 10 && slot_of(&world, 1)->gaps.count == 1);
    assert_true(slot_of(&world, 1)->gaps.ranges[0].from == 5 && slot_of(&world, 1)->gaps.ranges[0].to == 8);
    world_clean_up(&world);
}

static void partition_of_ours_is_not_marked_whatever_the_group_said(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 2, 1000000);
    world.logs[0].end = world.logs[1].end = 10;
    world.speed.foreign = second_is_foreign;
    work_for(&world, 20 * US_PER_SECOND);
    assert_int_equal(slot_of(&world, 1)->next, 10);
    assert_string_equal(slot_of(&world, 1)->alarm, "");
    world_clean_up(&world);
}

int main(void)
{
    log_configure("tidemark-speed", LOG_FORMAT_TEXT, (enum log_level)(LOG_LEVEL_ERROR + 1));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_partition_waits_no_longer_beside_a_busy_one),
        cmocka_unit_test(order_that_comes_alone_is_committed_in_the_turn_that_takes_it),
        cmocka_unit_test(order_that_comes_soon_after_a_commit_waits_for_a_fifth_of_flush_every),
        cmocka_unit_test(no_commit_is_early_while_there_is_more_to_take),
        cmocka_unit_test(early_commits_take_a_fiftieth_of_the_time),
        cmocka_unit_test(partitions_that_are_due_are_committed_together_and_a_damaged_one_holds_no_other),
        cmocka_unit_test(partition_that_is_behind_gathers_until_commits_take_a_twentieth_of_the_time),
        cmocka_unit_test(partitions_that_wait_for_one_reason_say_so_once),
        cmocka_unit_test(partitions_are_opened_with_one_question_for_all),
        cmocka_unit_test(end_of_the_log_is_unknown_from_leaving_a_partition_until_it_is_followed_again),
        cmocka_unit_test(partition_takes_what_there_is_room_for_however_much_a_poll_brings),
        cmocka_unit_test(slot_that_is_half_full_asks_for_room),
        cmocka_unit_test(bytes_have_a_ceiling_too),
        cmocka_unit_test(partition_without_room_does_not_disturb_the_others),
        cmocka_unit_test(least_room_for_groups_is_still_some),
        cmocka_unit_test(nothing_behind_what_cannot_be_read_is_taken),
        cmocka_unit_test(bad_messages_are_told_with_place_and_reason),
        cmocka_unit_test(breaker_tells_what_was_wrong),
        cmocka_unit_test(open_transaction_is_told_after_a_minute_and_when_it_ends),
        cmocka_unit_test(silent_partition_gets_an_idle_time_with_each_commit),
        cmocka_unit_test(process_that_begins_waits_for_the_silence_again_and_takes_nothing_back),
        cmocka_unit_test(what_waits_behind_a_transaction_is_no_silence),
        cmocka_unit_test(log_that_can_not_be_reached_is_no_silence),
        cmocka_unit_test(transactions_that_come_and_go_are_not_told),
        cmocka_unit_test(partition_that_is_opened_again_and_idle_is_committed),
        cmocka_unit_test(slot_of_a_foreign_partition_says_so_once_until_it_is_ours),
        cmocka_unit_test(slot_of_a_foreign_partition_says_so_also_behind_a_gap),
        cmocka_unit_test(partition_of_ours_is_not_marked_whatever_the_group_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
