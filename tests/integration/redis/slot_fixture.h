/* SPDX-License-Identifier: Apache-2.0
 * A private Redis, a source with two views, and short words for what tests do to a slot. */
#ifndef TIDEMARK_TESTS_SLOT_FIXTURE_H
#define TIDEMARK_TESTS_SLOT_FIXTURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "redis/redis_store.h"
#include "servers.h"

#define UNUSED __attribute__((unused))
#define SLOT "test:{orders/3}:0123456789abcdef"
#define META SLOT ":meta"

enum { DAILY, MINUTE, VIEW_COUNT };

static const struct field fields[] = {
    {"category", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}, {"quantity", FIELD_INTEGER, 0}};

static const struct view views[VIEW_COUNT] = {
    {.name = "daily",
     .schema = &(const struct schema){.fields = fields, .field_count = 3},
     .window = {.length_s = 86400},
     .dimensions = {0},
     .dimension_count = 1,
     .sums = {1, 2},
     .sum_count = 2},
    {.name = "minute",
     .schema = &(const struct schema){.fields = fields, .field_count = 3},
     .window = {.length_s = 60},
     .sums = {1},
     .sum_count = 1},
};

static const struct source orders = {
    .name = "orders", .views = views, .view_count = VIEW_COUNT, .fingerprint = "0123456789abcdef"};

static const struct slot_id slot_three = {"orders", 3, "0123456789abcdef"};

/* What the next commit adds. */
struct additions {
    struct ledger ledger;
    struct panes panes[VIEW_COUNT];
};

static UNUSED void additions_init(struct additions *additions)
{
    *additions = (struct additions){0};
    for (size_t i = 0; i < VIEW_COUNT; i++)
        panes_init(&additions->panes[i], &views[i]);
}

static UNUSED void additions_clean_up(struct additions *additions)
{
    for (size_t i = 0; i < VIEW_COUNT; i++)
        panes_clean_up(&additions->panes[i]);
}

/* One version of 12.34, without a category. */
static UNUSED void add_one(struct additions *additions)
{
    struct cell *cell = panes_at(&additions->panes[MINUTE], 600 * US_PER_SECOND, (struct text){"", 0});
    cell->count++;
    cell->sums[0].count++;
    cell->sums[0].total += 1234;
    additions->ledger.consumed++;
    additions->ledger.kept++;
    additions->ledger.views[MINUTE].counted++;
    additions->ledger.views[DAILY].filtered++;
}

static char last_commit[COMMIT_ID_MAX]; /* that was taken, for the next one to follow */

static struct server server;
static struct realtime_store *store;
static struct error error;

static UNUSED redisContext *connect_to_redis(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/redis.sock", server.folder);
    redisContext *context = redisConnectUnix(path);
    assert_true(context && !context->err);
    return context;
}

static UNUSED redisReply *redis_ask(const char *format, ...)
{
    redisContext *context = connect_to_redis();
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    redisFree(context);
    assert_non_null(reply);
    return reply;
}

#define redis_do(...)                                                                                                  \
    do {                                                                                                               \
        redisReply *reply_ = redis_ask(__VA_ARGS__);                                                                   \
        if (reply_->type == REDIS_REPLY_ERROR)                                                                         \
            fail_msg("Redis: %s", reply_->str);                                                                        \
        freeReplyObject(reply_);                                                                                       \
    } while (0)

static UNUSED long long redis_number(const char *command)
{
    redisReply *reply = redis_ask(command);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

static UNUSED struct realtime_store *open_store(void)
{
    struct realtime_store *opened;
    if (!redis_store_open(server.url, NULL, "test", &opened, &error))
        fail_msg("%s", error.message);
    return opened;
}

static UNUSED int start_redis(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    redis_server_start(&server, NULL);
    store = open_store();
    return 0;
}

static UNUSED int stop_redis(void **state)
{
    (void)state;
    store->operations->destroy(store);
    server_stop(&server);
    return 0;
}

static UNUSED int flush_redis(void **state)
{
    (void)state;
    redis_do("FLUSHALL");
    last_commit[0] = '\0';
    return 0;
}

#define must(call)                                                                                                     \
    do {                                                                                                               \
        error = (struct error){0};                                                                                     \
        if (!(call))                                                                                                   \
            fail_msg("%s", error.message);                                                                             \
    } while (0)

/* `call` must fail with this code; the message is in error.message. */
#define must_fail(call, expected_code)                                                                                 \
    do {                                                                                                               \
        error = (struct error){0};                                                                                     \
        assert_false(call);                                                                                            \
        if (error.code != (expected_code))                                                                             \
            fail_msg("code %d: %s", (int)error.code, error.message);                                                   \
        assert_true(error.message[0]);                                                                                 \
    } while (0)

static UNUSED struct slot fresh_slot(const char *incarnation, int64_t epoch, int64_t next)
{
    struct slot slot = {.requires = REALTIME_CHECKSUMS,
                        .cluster = "cluster-1",
                        .epoch = epoch,
                        .partitions = 4,
                        .first = 5,
                        .next = next,
                        .floor = 5,
                        .floor_time_us = -1,
                        .clock_us = 77,
                        .tail = -1,
                        .tail_time_us = -1,
                        .tail_hash = UINT64_MAX,
                        .gaps = {.ranges = {{1, 3}, {5, 9}}, .count = next >= 9 ? 2 : 0}};
    snprintf(slot.incarnation, sizeof slot.incarnation, "%s", incarnation);
    return slot;
}

static UNUSED void assert_same_slot(const struct slot *a, const struct slot *b)
{
    assert_int_equal(a->exists, b->exists);
    assert_int_equal(a->format, b->format);
    assert_string_equal(a->requires, b->requires);
    assert_string_equal(a->incarnation, b->incarnation);
    assert_string_equal(a->cluster, b->cluster);
    assert_true(a->epoch == b->epoch);
    assert_int_equal(a->epoch_count, b->epoch_count);
    assert_memory_equal(a->epochs, b->epochs, a->epoch_count * sizeof *a->epochs);
    assert_true(a->partitions == b->partitions && a->first == b->first && a->next == b->next && a->floor == b->floor);
    assert_true(a->floor_time_us == b->floor_time_us && a->clock_us == b->clock_us && a->idle_us == b->idle_us);
    assert_true(a->tail == b->tail && a->tail_time_us == b->tail_time_us && a->tail_hash == b->tail_hash &&
                a->end == b->end && a->real_end == b->real_end);
    assert_true(a->sequence == b->sequence && a->left_us == b->left_us && a->deferred_us == b->deferred_us);
    assert_string_equal(a->commit_id, b->commit_id);
    assert_int_equal(a->gaps.count, b->gaps.count);
    assert_memory_equal(a->gaps.ranges, b->gaps.ranges, a->gaps.count * sizeof *a->gaps.ranges);
    assert_string_equal(a->alarm, b->alarm);
}

/* As it would begin now. */
static UNUSED struct epoch_start epoch_begins(const struct slot *slot, int64_t epoch)
{
    return (struct epoch_start){.epoch = epoch,
                                .offset = slot->next,
                                .last = slot->tail,
                                .last_hash = slot->tail_hash,
                                .idle_us = slot->idle_us};
}

/* Starts the slot anew whatever it was. */
static UNUSED void begin_slot(const char *incarnation, int64_t epoch, int64_t next)
{
    struct slot seen, fresh = fresh_slot(incarnation, epoch, next);
    bool done = false;
    must(store->operations->read_slot(store, slot_three, &seen, &error));
    must(store->operations->init(store, slot_three, seen.incarnation, &fresh, &done, &error));
    assert_true(done);
    last_commit[0] = '\0';
}

static UNUSED struct slot slot_now(void)
{
    struct slot slot;
    must(store->operations->read_slot(store, slot_three, &slot, &error));
    return slot;
}

static UNUSED struct commit commit_of(const struct additions *additions, const char *incarnation, const char *id,
                                      int64_t expected, int64_t next)
{
    return (struct commit){.id = slot_three,
                           .source = &orders,
                           .incarnation = incarnation,
                           .cluster = "cluster-1",
                           .commit_id = id,
                           .after = last_commit,
                           .expected = expected,
                           .next = next,
                           .floor = 6,
                           .floor_time_us = 60,
                           .clock_us = 61,
                           .idle_us = next,
                           .tail = expected,
                           .tail_time_us = 62,
                           .tail_hash = UINT64_C(0xfedcba9876543210),
                           .end = 99,
                           .real_end = 120,
                           .ledger = &additions->ledger,
                           .panes = additions->panes,
                           .has_checksums = true};
}

#define TOGETHER 5 /* partitions, from 0 on */

/* Starts their slots at 10, and makes a commit to each. */
static UNUSED void begin_all(const struct additions *additions, struct commit ret_commits[TOGETHER])
{
    static const char *const ids[TOGETHER] = {"c0", "c1", "c2", "c3", "c4"};
    for (int32_t i = 0; i < TOGETHER; i++) {
        struct slot fresh = fresh_slot("a", 1, 10);
        bool done;
        ret_commits[i] = commit_of(additions, "a", ids[i], 10, 20 + i);
        ret_commits[i].id.partition = i;
        ret_commits[i].after = "";
        must(store->operations->init(store, ret_commits[i].id, "", &fresh, &done, &error));
        assert_true(done);
    }
}

static UNUSED void commit_all(const struct commit commits[TOGETHER])
{
    struct commit_outcome outcomes[TOGETHER];
    size_t answered;
    must(store->operations->commit(store, commits, TOGETHER, outcomes, &answered, &error));
    assert_int_equal(answered, TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++)
        assert_int_equal(outcomes[i].answer, COMMIT_OK);
}

static UNUSED enum commit_answer send_commit(const struct commit *commit, int64_t *ret_next)
{
    struct commit_outcome outcome = {COMMIT_FOREIGN, 0};
    must(realtime_commit(store, commit, &outcome, &error));
    if (outcome.answer == COMMIT_OK)
        snprintf(last_commit, sizeof last_commit, "%s", commit->commit_id);
    *ret_next = outcome.next;
    return outcome.answer;
}

static UNUSED int64_t open_epoch(int64_t epoch)
{
    int64_t offset = -2;
    must(store->operations->open_epoch(store, slot_three, epoch, &offset, &error));
    return offset;
}

static UNUSED void drop_epochs(int64_t last)
{
    must(store->operations->drop_epochs(store, slot_three, last, &error));
}

static UNUSED void read_into(struct slot_reader *reader)
{
    must(store->operations->read(store, reader, &error));
}

/* Versions counted in the view MINUTE over all epochs; checks that the sum fits add_one(). */
static UNUSED int64_t ones_in_store(void)
{
    struct slot_reader reader;
    int64_t count = 0;
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    for (size_t i = 0; i < reader.epoch_count; i++)
        for (size_t n = 0; n < panes_count(&reader.epochs[i].panes[MINUTE]); n++) {
            const struct cell *cell = panes_get(&reader.epochs[i].panes[MINUTE], n).cell;
            assert_true(cell->sums[0].total == (wide)cell->count * 1234);
            assert_int_equal(cell->sums[0].count, cell->count);
            count += cell->count;
        }
    slot_reader_clean_up(&reader);
    return count;
}

#endif
