/* SPDX-License-Identifier: Apache-2.0 */
#include "slot_fixture.h"

#include "base/calendar.h"
#include "base/zone.h"
#include "state/slot_audit.h"

static struct additions one;

static enum commit_answer try(const char *incarnation, const char *id, int64_t expected, int64_t next, int64_t *ret_at)
{
    struct commit commit = commit_of(&one, incarnation, id, expected, next);
    return send_commit(&commit, ret_at);
}

static void a_slot_that_was_never_begun_does_not_exist(void **state)
{
    (void)state;
    struct slot slot = slot_now(), none = {0};
    assert_same_slot(&slot, &none);
}

static void a_slot_reads_back_as_it_was_begun(void **state)
{
    (void)state;
    begin_slot("aaaabbbbccccddddaaaabbbbccccdddd", 7, 9007199254740993);
    struct slot slot = slot_now(), expected = fresh_slot("aaaabbbbccccddddaaaabbbbccccdddd", 7, 9007199254740993);
    expected.exists = true;
    expected.format = REALTIME_FORMAT;
    expected.epochs[0] = epoch_begins(&expected, 7);
    expected.epoch_count = 1;
    assert_same_slot(&slot, &expected);
}

static void a_commit_sets_all_that_it_carries(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 10);
    assert_int_equal(try("a", "c1", 10, 20, &next), COMMIT_OK);
    assert_int_equal(next, 20);
    struct slot slot = slot_now();
    assert_int_equal(slot.next, 20);
    assert_int_equal(slot.floor, 6);
    assert_int_equal(slot.floor_time_us, 60);
    assert_int_equal(slot.clock_us, 61);
    assert_int_equal(slot.tail, 10);
    assert_int_equal(slot.tail_time_us, 62);
    assert_int_equal(slot.end, 99);
    assert_int_equal(slot.real_end, 120);
    assert_int_equal(slot_uncommitted(&slot), 21);
    assert_true(slot.tail_hash == UINT64_C(0xfedcba9876543210));
    assert_int_equal(slot.sequence, 1);
    assert_string_equal(slot.commit_id, "c1");
    assert_int_equal(slot.first, 5);
    assert_int_equal(slot.epochs[0].offset, 10);
    assert_int_equal(slot.epochs[0].consumed, 1);
    assert_int_equal(slot.gaps.count, 0);
    assert_string_equal(slot.alarm, "");
    assert_int_equal(ones_in_store(), 1);
}

static void gaps_are_what_the_last_commit_says(void **state)
{
    (void)state;
    int64_t next;
    struct gaps gaps = {0};
    begin_slot("a", 1, 10);
    for (int64_t i = 0; i < GAPS_MAX; i++)
        gaps_add(&gaps, (struct offset_range){INT64_MAX - 1000 + 10 * i, INT64_MAX - 995 + 10 * i});
    struct commit commit = commit_of(&one, "a", "c1", 10, INT64_MAX - 100);
    commit.gaps = &gaps;
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    struct slot slot = slot_now();
    assert_int_equal(slot.gaps.count, GAPS_MAX);
    assert_memory_equal(slot.gaps.ranges, gaps.ranges, sizeof gaps.ranges);
    assert_int_equal(try("a", "c2", INT64_MAX - 100, INT64_MAX - 90, &next), COMMIT_OK);
    assert_int_equal(slot_now().gaps.count, 0);
}

static void an_alarm_is_set_and_cleared_by_commits_that_move_nothing(void **state)
{
    (void)state;
    int64_t next;
    struct additions nothing;
    additions_init(&nothing);
    begin_slot("a", 1, 10);
    struct commit commit = commit_of(&nothing, "a", "c1", 10, 10);
    commit.alarm = "breaker";
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    assert_string_equal(slot_now().alarm, "breaker");
    assert_int_equal(slot_now().next, 10);
    commit.commit_id = "c2";
    commit.alarm = NULL;
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    assert_string_equal(slot_now().alarm, "");
    commit.alarm = "an alarm of more than thirty-one bytes";
    struct commit_outcome outcome;
    must_fail(realtime_commit(store, &commit, &outcome, &error), ERROR_INTERNAL);
    additions_clean_up(&nothing);
}

static void a_commit_without_a_slot_is_lost(void **state)
{
    (void)state;
    int64_t next;
    assert_int_equal(try("a", "c1", 10, 20, &next), COMMIT_LOST);
    assert_int_equal(redis_number("DBSIZE"), 0);
}

static void the_retry_of_a_commit_that_had_worked_adds_nothing(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 10);
    assert_int_equal(try("a", "c1", 10, 20, &next), COMMIT_OK);
    next = 0;
    assert_int_equal(try("a", "c1", 10, 20, &next), COMMIT_ALREADY);
    assert_int_equal(next, 20);
    assert_int_equal(ones_in_store(), 1);
    assert_int_equal(slot_now().sequence, 1);
}

static void a_store_that_is_older_answers_rewound(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 10);
    assert_int_equal(try("a", "c2", 20, 30, &next), COMMIT_REWOUND);
    assert_int_equal(next, 10);
    assert_int_equal(try("a", "c2", 100, 130, &next), COMMIT_REWOUND);
    assert_int_equal(ones_in_store(), 0);
}

static void a_store_where_somebody_went_on_answers_ahead(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 100);
    assert_int_equal(try("a", "c2", 99, 130, &next), COMMIT_AHEAD);
    assert_int_equal(next, 100);
    assert_int_equal(ones_in_store(), 0);
}

static void a_zombie_of_an_old_incarnation_is_foreign(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("old", 1, 10);
    begin_slot("new", 1, 10);
    assert_int_equal(try("old", "c1", 10, 20, &next), COMMIT_FOREIGN);
    assert_int_equal(ones_in_store(), 0);
    assert_int_equal(slot_now().next, 10);
}

static void another_cluster_is_foreign(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 10);
    struct commit commit = commit_of(&one, "a", "c1", 10, 20);
    commit.cluster = "cluster-2";
    assert_int_equal(send_commit(&commit, &next), COMMIT_FOREIGN);
    assert_int_equal(ones_in_store(), 0);
}

static void offsets_above_two_to_the_53_are_told_apart(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, INT64_C(9007199254740993));
    assert_int_equal(try("a", "c1", INT64_C(9007199254740992), INT64_C(9007199254740999), &next), COMMIT_AHEAD);
    assert_true(next == INT64_C(9007199254740993));
    assert_int_equal(try("a", "c1", INT64_C(9007199254740994), INT64_C(9007199254740999), &next), COMMIT_REWOUND);
    assert_int_equal(try("a", "c1", INT64_C(9007199254740993), INT64_MAX, &next), COMMIT_OK);
    assert_true(slot_now().next == INT64_MAX);
}

static void of_two_who_begin_a_slot_the_second_is_refused(void **state)
{
    (void)state;
    struct slot first = fresh_slot("first", 1, 10), second = fresh_slot("second", 1, 50);
    bool done = false;
    must(store->operations->init(store, slot_three, "", &first, &done, &error));
    assert_true(done);
    must(store->operations->init(store, slot_three, "", &second, &done, &error));
    assert_false(done);
    assert_string_equal(slot_now().incarnation, "first");
    must(store->operations->init(store, slot_three, "", &first, &done, &error));
    assert_true(done);
    must(store->operations->init(store, slot_three, "first", &second, &done, &error));
    assert_true(done);
    assert_int_equal(slot_now().next, 50);
}

static void a_slot_begun_anew_has_nothing_of_the_old_one(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 10);
    assert_int_equal(try("a", "c1", 10, 20, &next), COMMIT_OK);
    assert_int_equal(open_epoch(2), 20);
    assert_int_equal(try("a", "c2", 20, 30, &next), COMMIT_OK);
    begin_slot("b", 1, 10);
    assert_int_equal(redis_number("DBSIZE"), 3); /* meta, news of it, and the definitions that have a slot */
    assert_int_equal(ones_in_store(), 0);
    assert_int_equal(slot_now().epoch_count, 1);
    assert_int_equal(slot_now().sequence, 0);
}

static void cells_outlive_their_meta_key_only_until_the_slot_begins_anew(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 10);
    assert_int_equal(try("a", "c1", 10, 20, &next), COMMIT_OK);
    redis_do("DEL %s", META);
    assert_int_equal(try("a", "c2", 20, 30, &next), COMMIT_LOST);
    begin_slot("b", 1, 10);
    assert_int_equal(redis_number("DBSIZE"), 3); /* meta, news of it, and the definitions that have a slot */
    assert_int_equal(ones_in_store(), 0);
}

static void a_lost_reply_is_retried_without_adding_twice(void **state)
{
    (void)state;
    int64_t next;
    struct commit_outcome outcome;
    begin_slot("a", 1, 10);
    struct commit commit = commit_of(&one, "a", "c1", 10, 20);
    /* The server carries the commit out only after the time limit, when nobody hears its reply. */
    kill(server.pid, SIGSTOP);
    must_fail(realtime_commit(store, &commit, &outcome, &error), ERROR_UNAVAILABLE);
    kill(server.pid, SIGCONT);
    assert_int_equal(send_commit(&commit, &next), COMMIT_ALREADY);
    assert_int_equal(ones_in_store(), 1);
}

/* As after a store that came back older and was read on from by another process. */
static void a_commit_that_follows_another_one_than_the_last_is_refused(void **state)
{
    (void)state;
    int64_t next = 0;
    begin_slot("a", 1, 10);
    struct commit first = commit_of(&one, "a", "c1", 10, 20);
    assert_int_equal(send_commit(&first, &next), COMMIT_OK);
    struct commit commit = commit_of(&one, "a", "c3", 20, 30);
    commit.after = "c2";
    assert_int_equal(send_commit(&commit, &next), COMMIT_AHEAD);
    commit.after = "";
    assert_int_equal(send_commit(&commit, &next), COMMIT_AHEAD);
    assert_int_equal(next, 20);
    assert_int_equal(ones_in_store(), 1);
    commit.after = "c1";
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    assert_int_equal(ones_in_store(), 2);
}

#define DAYS_US (SECONDS_PER_DAY * US_PER_SECOND)

/* Two views as `orders` has, that are kept for two days. */
static struct view kept_views[VIEW_COUNT];
static struct source kept;

static void make_kept(const struct zone *zone)
{
    kept = orders;
    kept.is_stream_alone = true;
    kept.views = kept_views;
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        kept_views[i] = views[i];
        kept_views[i].zone = zone;
        kept_views[i].retention_s = 2 * SECONDS_PER_DAY;
    }
}

/* A version of the minute's view in the first minute of a day. */
static void add_on(struct additions *additions, int64_t day)
{
    struct cell *cell = panes_at(&additions->panes[MINUTE], day * DAYS_US, (struct text){"", 0});
    cell->count++;
    cell->sums[0].count++;
    cell->sums[0].total += 1234;
    additions->ledger.consumed++;
    additions->ledger.kept++;
    additions->ledger.views[MINUTE].counted++;
    additions->ledger.views[DAILY].filtered++;
}

static void assert_days(struct slot_reader *reader, int64_t days, const char *when)
{
    read_into(reader);
    if (!slot_reader_audit(reader, &error))
        fail_msg("%s: %s", when, error.message);
    const struct panes *panes = &reader->epochs[0].panes[MINUTE];
    assert_int_equal(panes_count(panes), days);
    assert_int_equal(reader->epochs[0].ledger.views[MINUTE].counted, days);
    assert_int_equal(reader->epochs[0].ledger.views[MINUTE].expired, 10 - days);
}

static void days_leave_with_what_they_counted_and_whoever_follows_reads_anew(void **state)
{
    (void)state;
    struct zone *zone;
    struct additions ten, none, leaving;
    struct slot_reader from_the_start, later;
    int64_t next;
    must(zone_open("UTC", &zone, &error));
    make_kept(zone);
    additions_init(&ten), additions_init(&none), additions_init(&leaving);
    for (int64_t day = 100; day < 110; day++)
        add_on(&ten, day);
    begin_slot("a", 1, 10);
    slot_reader_init(&from_the_start, slot_three, &kept);
    slot_reader_init(&later, slot_three, &kept);
    struct commit commit = commit_of(&ten, "a", "c1", 10, 20);
    commit.source = &kept;
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    assert_days(&from_the_start, 10, "before");
    /* The clock stands on day 109: what begins on day 107 or later is kept. */
    for (int64_t day = 100; day < 107; day++)
        add_on(&leaving, day);
    none.ledger.views[MINUTE].counted = -7;
    none.ledger.views[MINUTE].expired = 7;
    commit = commit_of(&none, "a", "c2", 20, 20);
    commit.source = &kept;
    commit.leaving = leaving.panes;
    commit.left_us = 109 * DAYS_US + 1;
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    assert_int_equal(send_commit(&commit, &next), COMMIT_ALREADY);
    assert_int_equal(slot_now().left_us, 109 * DAYS_US + 1);
    assert_int_equal(redis_number("SCARD " SLOT ":hashes"), 1 + 3); /* the ledger, and three days */
    assert_days(&from_the_start, 3, "who had read before");
    assert_days(&later, 3, "who reads for the first time");
    slot_reader_clean_up(&from_the_start), slot_reader_clean_up(&later);
    additions_clean_up(&ten), additions_clean_up(&none), additions_clean_up(&leaving);
    zone_close(zone);
}

static void slot_of_another_definition_takes_the_place_of_one_that_it_has_caught_up_with(void **state)
{
    (void)state;
    int64_t next;
    bool done = true;
    struct source other = orders;
    snprintf(other.fingerprint, sizeof other.fingerprint, "fedcba9876543210");
    struct slot_id other_id = slot_three;
    other_id.definition = other.fingerprint;
    begin_slot("a", 1, 10);
    assert_int_equal(try("a", "c1", 10, 20, &next), COMMIT_OK);
    must(store->operations->replace(store, slot_three, other.fingerprint, &done, &error));
    assert_false(done); /* there is none */
    struct slot fresh = fresh_slot("b", 1, 10);
    must(store->operations->init(store, other_id, "", &fresh, &done, &error));
    must(store->operations->replace(store, slot_three, other.fingerprint, &done, &error));
    assert_false(done); /* it hasn't read as far */
    assert_string_equal(slot_now().incarnation, "a");
    struct commit commit = commit_of(&one, "b", "c2", 10, 20);
    commit.id = other_id;
    commit.source = &other;
    commit.after = "";
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    must(store->operations->replace(store, slot_three, other.fingerprint, &done, &error));
    assert_true(done);
    assert_string_equal(slot_now().incarnation, "b");
    assert_int_equal(ones_in_store(), 1);
    struct slot gone;
    must(store->operations->read_slot(store, other_id, &gone, &error));
    assert_false(gone.exists);
    assert_int_equal(redis_number("DBSIZE"), 6); /* meta, hashes, ledger, a day, what is recent; definitions */
    assert_int_equal(try("a", "c3", 20, 30, &next), COMMIT_FOREIGN);
}

/* --- commits of several slots in one round trip --- */

static void assert_at(const struct commit *commit, int64_t next)
{
    struct slot slot;
    must(store->operations->read_slot(store, commit->id, &slot, &error));
    assert_int_equal(slot.next, next);
}

static void each_slot_of_a_round_trip_answers_for_itself(void **state)
{
    (void)state;
    struct commit commits[TOGETHER];
    struct commit_outcome outcomes[TOGETHER];
    size_t answered;
    begin_all(&one, commits);
    commits[1].expected = 11;
    commits[3].expected = 9;
    must(store->operations->commit(store, commits, TOGETHER, outcomes, &answered, &error));
    assert_int_equal(answered, TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++) {
        bool refused = i == 1 || i == 3;
        assert_int_equal(outcomes[i].answer, i == 1 ? COMMIT_REWOUND : i == 3 ? COMMIT_AHEAD : COMMIT_OK);
        assert_int_equal(outcomes[i].next, refused ? 10 : commits[i].next);
        assert_at(&commits[i], refused ? 10 : commits[i].next);
    }
}

static void slot_that_holds_something_else_ends_a_round_trip_at_its_place(void **state)
{
    (void)state;
    struct commit commits[TOGETHER];
    struct commit_outcome outcomes[TOGETHER];
    size_t answered;
    begin_all(&one, commits);
    redis_do("DEL test:{orders/2}:0123456789abcdef:meta");
    redis_do("SET test:{orders/2}:0123456789abcdef:meta text");
    must_fail(store->operations->commit(store, commits, TOGETHER, outcomes, &answered, &error), ERROR_DATA);
    assert_int_equal(answered, 2);
    assert_non_null(strstr(error.message, "orders/2"));
    must(store->operations->commit(store, commits + 3, 2, outcomes, &answered, &error));
    assert_int_equal(answered, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(outcomes[i].answer == COMMIT_OK || outcomes[i].answer == COMMIT_ALREADY);
        assert_at(&commits[3 + i], commits[3 + i].next);
    }
}

static void round_trip_to_a_server_without_functions_loads_them(void **state)
{
    (void)state;
    struct commit commits[TOGETHER];
    begin_all(&one, commits);
    redis_do("FUNCTION FLUSH");
    commit_all(commits);
}

static void commit_that_cannot_be_sent_ends_a_round_trip_at_its_place(void **state)
{
    (void)state;
    struct commit commits[TOGETHER];
    struct commit_outcome outcomes[TOGETHER];
    size_t answered;
    begin_all(&one, commits);
    commits[3].alarm = "an alarm of more than thirty-one bytes";
    must_fail(store->operations->commit(store, commits, TOGETHER, outcomes, &answered, &error), ERROR_INTERNAL);
    assert_int_equal(answered, 3);
    assert_at(&commits[2], commits[2].next);
    assert_at(&commits[4], 10);
    must(store->operations->commit(store, commits + 4, 1, outcomes, &answered, &error));
    assert_at(&commits[4], commits[4].next);
}

/* Each slot's is made here once more, in the plainest way. */
static void assert_digests(const struct commit commits[TOGETHER])
{
    static const char plain[] = "local held, fields, digest = redis.call('HGETALL', KEYS[1]), {}, '' "
                                "for i = 1, #held, 2 do "
                                "    if held[i] == 'digest' then digest = held[i + 1] "
                                "    else fields[#fields + 1] = #held[i] .. ':' .. held[i] .. held[i + 1] end "
                                "end "
                                "table.sort(fields) "
                                "return digest == redis.sha1hex(table.concat(fields, '\\n')) and 1 or 0";
    for (size_t i = 0; i < TOGETHER; i++) {
        char key[100];
        snprintf(key, sizeof key, "test:{orders/%d}:0123456789abcdef:meta", (int)commits[i].id.partition);
        redisReply *reply = redis_ask("EVAL %s 1 %s", plain, key);
        assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
        assert_int_equal(reply->integer, 1);
        freeReplyObject(reply);
    }
}

static void digest_is_of_all_fields_in_order_whatever_other_slots_have(void **state)
{
    (void)state;
    struct commit commits[TOGETHER];
    struct commit_outcome outcomes[TOGETHER];
    size_t answered;
    int64_t offset;
    begin_all(&one, commits);
    assert_digests(commits);
    must(store->operations->commit(store, commits, 3, outcomes, &answered, &error));
    assert_digests(commits);
    for (int64_t epoch = 2; epoch < 4; epoch++)
        must(store->operations->open_epoch(store, commits[1].id, epoch, &offset, &error));
    must(store->operations->open_epoch(store, commits[3].id, 2, &offset, &error));
    assert_digests(commits);
    must(store->operations->drop_epochs(store, commits[1].id, 1, &error));
    must(store->operations->commit(store, commits + 3, 2, outcomes, &answered, &error));
    assert_int_equal(answered, 2);
    assert_digests(commits);
}

int main(void)
{
    additions_init(&one);
    add_one(&one);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_commit_that_follows_another_one_than_the_last_is_refused, flush_redis),
        cmocka_unit_test_setup(a_slot_that_was_never_begun_does_not_exist, flush_redis),
        cmocka_unit_test_setup(a_slot_reads_back_as_it_was_begun, flush_redis),
        cmocka_unit_test_setup(a_commit_sets_all_that_it_carries, flush_redis),
        cmocka_unit_test_setup(gaps_are_what_the_last_commit_says, flush_redis),
        cmocka_unit_test_setup(an_alarm_is_set_and_cleared_by_commits_that_move_nothing, flush_redis),
        cmocka_unit_test_setup(a_commit_without_a_slot_is_lost, flush_redis),
        cmocka_unit_test_setup(the_retry_of_a_commit_that_had_worked_adds_nothing, flush_redis),
        cmocka_unit_test_setup(a_store_that_is_older_answers_rewound, flush_redis),
        cmocka_unit_test_setup(a_store_where_somebody_went_on_answers_ahead, flush_redis),
        cmocka_unit_test_setup(a_zombie_of_an_old_incarnation_is_foreign, flush_redis),
        cmocka_unit_test_setup(another_cluster_is_foreign, flush_redis),
        cmocka_unit_test_setup(offsets_above_two_to_the_53_are_told_apart, flush_redis),
        cmocka_unit_test_setup(of_two_who_begin_a_slot_the_second_is_refused, flush_redis),
        cmocka_unit_test_setup(a_slot_begun_anew_has_nothing_of_the_old_one, flush_redis),
        cmocka_unit_test_setup(cells_outlive_their_meta_key_only_until_the_slot_begins_anew, flush_redis),
        cmocka_unit_test_setup(a_lost_reply_is_retried_without_adding_twice, flush_redis),
        cmocka_unit_test_setup(slot_of_another_definition_takes_the_place_of_one_that_it_has_caught_up_with,
                               flush_redis),
        cmocka_unit_test_setup(days_leave_with_what_they_counted_and_whoever_follows_reads_anew, flush_redis),
        cmocka_unit_test_setup(each_slot_of_a_round_trip_answers_for_itself, flush_redis),
        cmocka_unit_test_setup(slot_that_holds_something_else_ends_a_round_trip_at_its_place, flush_redis),
        cmocka_unit_test_setup(round_trip_to_a_server_without_functions_loads_them, flush_redis),
        cmocka_unit_test_setup(digest_is_of_all_fields_in_order_whatever_other_slots_have, flush_redis),
        cmocka_unit_test_setup(commit_that_cannot_be_sent_ends_a_round_trip_at_its_place, flush_redis),
    };
    int failed = cmocka_run_group_tests(tests, start_redis, stop_redis);
    additions_clean_up(&one);
    return failed;
}
