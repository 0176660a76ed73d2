/* SPDX-License-Identifier: Apache-2.0
 * A slot too large to be read at once is read in parts, while another connection commits to it: what comes is what the
 * slot held at one of its commits, to the cell. */
#include "slot_fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#define WINDOWS 5000      /* that commits choose among: many times what is read at once */
#define CELLS_A_COMMIT 60 /* of them, and a commit makes some anew */
#define AT_ONCE 100

/* Each commit is made of its number, so that whoever knows a slot's sequence knows what it holds. */
static void add_of_commit(int64_t number, struct additions *additions)
{
    for (int64_t i = 0; i < CELLS_A_COMMIT; i++) {
        int64_t window = (number * 7919 + i * i * 31) % WINDOWS;
        struct cell *cell = panes_at(&additions->panes[MINUTE], window * 60, (struct text){"", 0});
        cell->count++;
        cell->sums[0].count++;
        cell->sums[0].total += number * 1000 + i;
    }
    additions->ledger.consumed += CELLS_A_COMMIT;
    additions->ledger.kept += CELLS_A_COMMIT;
    additions->ledger.views[MINUTE].counted += CELLS_A_COMMIT;
    additions->ledger.views[DAILY].filtered += CELLS_A_COMMIT;
}

static bool make_commit(int64_t number)
{
    struct additions additions;
    struct error problem = {0};
    enum commit_answer answer;
    int64_t next;
    char id[32];
    additions_init(&additions);
    add_of_commit(number, &additions);
    snprintf(id, sizeof id, "commit-%" PRId64, number);
    struct commit commit = commit_of(&additions, "a", id, 10 + number - 1, 10 + number);
    bool done = store->operations->commit(store, &commit, &answer, &next, &problem) && answer == COMMIT_OK;
    snprintf(last_commit, sizeof last_commit, "%s", id);
    additions_clean_up(&additions);
    return done;
}

/* Commits from `number` on until it is told to stop. */
struct writer {
    pthread_t thread;
    _Atomic bool stop;
    bool disturbs; /* ends everybody's connection now and then */
    int64_t number;
    bool failed;
};

static void *commit_on_and_on(void *context)
{
    struct writer *writer = context;
    while (!writer->stop && !writer->failed) {
        if (writer->disturbs && writer->number % 40 == 0) {
            redisReply *reply = redis_ask("CLIENT KILL TYPE normal");
            freeReplyObject(reply);
        }
        writer->failed = !make_commit(writer->number++);
    }
    return NULL;
}

static void writer_start(struct writer *writer, int64_t number)
{
    writer->number = number;
    assert_int_equal(pthread_create(&writer->thread, NULL, commit_on_and_on, writer), 0);
}

static void writer_stop(struct writer *writer)
{
    writer->stop = true;
    assert_int_equal(pthread_join(writer->thread, NULL), 0);
    assert_false(writer->failed);
}

/* What the slot held after so many commits. */
static void assert_holds(struct slot_reader *reader, int64_t commits)
{
    struct additions expected;
    struct error damage = {0};
    additions_init(&expected);
    for (int64_t number = 1; number <= commits; number++)
        add_of_commit(number, &expected);
    const struct panes *wanted = &expected.panes[MINUTE];
    struct panes *got = &slot_reader_epoch(reader, 1)->panes[MINUTE];
    assert_int_equal(panes_count(got), panes_count(wanted));
    for (size_t i = 0; i < panes_count(wanted); i++) {
        struct pane pane = panes_get(wanted, i);
        assert_memory_equal(panes_at(got, pane.window_start_s, pane.group), pane.cell, cell_size(&views[MINUTE]));
    }
    if (!slot_reader_audit(reader, &damage))
        fail_msg("%s", damage.message);
    additions_clean_up(&expected);
}

/* Reads the whole slot; gives the number of commits that came meanwhile, or -1 where the connection was lost. */
static int64_t read_whole(struct realtime_store *other)
{
    struct slot before;
    struct slot_reader reader;
    struct error problem = {0};
    slot_reader_init(&reader, slot_three, &orders);
    bool read = other->operations->read_slot(other, slot_three, &before, &problem) &&
                other->operations->read(other, &reader, &problem);
    int64_t came = read ? reader.slot.sequence - before.sequence : -1;
    if (read)
        assert_holds(&reader, reader.slot.sequence);
    else if (problem.code != ERROR_UNAVAILABLE)
        fail_msg("%s", problem.message);
    slot_reader_clean_up(&reader);
    return came;
}

static struct realtime_store *open_reading(int64_t at_once)
{
    struct realtime_store *other = open_store();
    redis_store_read_at_once(other, at_once);
    return other;
}

static void begin_with_many_cells(void)
{
    begin_slot("a", 1, 10);
    for (int64_t number = 1; number <= 50; number++)
        assert_true(make_commit(number));
}

static void what_is_read_while_commits_come_is_one_moment(void **state)
{
    (void)state;
    struct writer writer = {.stop = false};
    struct realtime_store *other = open_reading(AT_ONCE);
    begin_with_many_cells();
    writer_start(&writer, 51);
    int64_t came = 0;
    for (int reads = 0; reads < 40 || came < 200; reads++)
        came += read_whole(other);
    writer_stop(&writer);
    assert_int_equal(read_whole(other), 0);
    other->operations->destroy(other);
}

static void a_connection_that_is_lost_between_parts_spoils_nothing(void **state)
{
    (void)state;
    struct writer writer = {.disturbs = true};
    struct realtime_store *other = open_reading(AT_ONCE);
    begin_with_many_cells();
    writer_start(&writer, 51);
    int whole = 0, lost = 0;
    while (whole < 10 || lost < 3)
        *(read_whole(other) < 0 ? &lost : &whole) += 1;
    writer_stop(&writer);
    assert_int_equal(read_whole(other), 0);
    other->operations->destroy(other);
}

static void however_little_is_read_at_once_it_comes_to_the_same(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 7, 500, 10000};
    begin_with_many_cells();
    assert_int_equal(open_epoch(2), 60);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct realtime_store *other = open_reading(sizes[i]);
        assert_int_equal(read_whole(other), 0);
        other->operations->destroy(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(however_little_is_read_at_once_it_comes_to_the_same, flush_redis),
        cmocka_unit_test_setup(what_is_read_while_commits_come_is_one_moment, flush_redis),
        cmocka_unit_test_setup(a_connection_that_is_lost_between_parts_spoils_nothing, flush_redis),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
