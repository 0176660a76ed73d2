/* SPDX-License-Identifier: Apache-2.0
 * A slot too large to be read at once is read in parts, while another connection commits to it: what comes is what the
 * slot held at one of its commits, to the cell. */
#include "slot_fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>

#include "state/slot_audit.h"

#define WINDOWS 5000      /* that commits choose among: many times what is read at once */
#define CELLS_A_COMMIT 60 /* of them, and a commit makes some anew */
#define AT_ONCE 100
#define COMMITS_A_READ 20 /* that come while the slot is read, and a few of them just before or after */

/* Each commit is made of its number, so that whoever knows a slot's sequence knows what it holds. */
static void add_of_commit(int64_t number, struct additions *additions)
{
    for (int64_t i = 0; i < CELLS_A_COMMIT; i++) {
        int64_t window = (number * 7919 + i * i * 31) % WINDOWS;
        struct cell *cell = panes_at(&additions->panes[MINUTE], window * 60 * US_PER_SECOND, (struct text){"", 0});
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
    struct commit_outcome outcome;
    char id[32];
    additions_init(&additions);
    add_of_commit(number, &additions);
    snprintf(id, sizeof id, "commit-%" PRId64, number);
    struct commit commit = commit_of(&additions, "a", id, 10 + number - 1, 10 + number);
    bool done = realtime_commit(store, &commit, &outcome, &problem) && outcome.answer == COMMIT_OK;
    snprintf(last_commit, sizeof last_commit, "%s", id);
    additions_clean_up(&additions);
    return done;
}

/* Commits from `number` on, as many as it is allowed to. */
struct writer {
    pthread_t thread;
    sem_t allowed;
    bool disturbs; /* ends everybody's connection now and then */
    int64_t number, last;
    bool failed;
};

static void *commit_what_is_allowed(void *context)
{
    struct writer *writer = context;
    for (; writer->number <= writer->last; writer->number++) {
        while (sem_wait(&writer->allowed) != 0)
            ;
        if (writer->disturbs && writer->number % COMMITS_A_READ == 0) {
            redisReply *reply = redis_ask("CLIENT KILL TYPE normal");
            freeReplyObject(reply);
        }
        writer->failed = writer->failed || !make_commit(writer->number);
    }
    return NULL;
}

static void writer_start(struct writer *writer, int64_t number, int reads)
{
    writer->number = number;
    writer->last = number + (int64_t)reads * COMMITS_A_READ - 1;
    assert_int_equal(sem_init(&writer->allowed, 0, 0), 0);
    assert_int_equal(pthread_create(&writer->thread, NULL, commit_what_is_allowed, writer), 0);
}

static void writer_allow(struct writer *writer)
{
    for (int i = 0; i < COMMITS_A_READ; i++)
        sem_post(&writer->allowed);
}

static void writer_join(struct writer *writer)
{
    assert_int_equal(pthread_join(writer->thread, NULL), 0);
    assert_false(writer->failed);
    sem_destroy(&writer->allowed);
}

/* What the slot holds after so many commits: kept, for they only grow more. */
static struct additions expected;
static int64_t expected_commits;

static int begin_expected(void **state)
{
    additions_init(&expected);
    expected_commits = 0;
    return flush_redis(state);
}

static int end_expected(void **state)
{
    (void)state;
    additions_clean_up(&expected);
    return 0;
}

static void assert_holds(struct slot_reader *reader, int64_t commits)
{
    struct error damage = {0};
    assert_true(commits >= expected_commits);
    while (expected_commits < commits)
        add_of_commit(++expected_commits, &expected);
    const struct panes *wanted = &expected.panes[MINUTE];
    struct panes *got = &slot_reader_epoch(reader, 1)->panes[MINUTE];
    assert_int_equal(panes_count(got), panes_count(wanted));
    for (size_t i = 0; i < panes_count(wanted); i++) {
        struct pane pane = panes_get(wanted, i);
        assert_memory_equal(panes_at(got, pane.window_start_us, pane.group), pane.cell, cell_size(&views[MINUTE]));
    }
    if (!slot_reader_audit(reader, &damage))
        fail_msg("%s", damage.message);
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
    const int reads = 40;
    struct writer writer = {.disturbs = false};
    struct realtime_store *other = open_reading(AT_ONCE);
    begin_with_many_cells();
    writer_start(&writer, 51, reads);
    int64_t came = 0;
    for (int i = 0; i < reads; i++) {
        writer_allow(&writer);
        came += read_whole(other);
    }
    writer_join(&writer);
    print_message("%" PRId64 " of %d commits came within a read\n", came, reads * COMMITS_A_READ);
    assert_true(came > reads);
    assert_int_equal(read_whole(other), 0);
    other->operations->destroy(other);
}

static void a_connection_that_is_lost_between_parts_spoils_nothing(void **state)
{
    (void)state;
    const int reads = 30;
    struct writer writer = {.disturbs = true};
    struct realtime_store *other = open_reading(AT_ONCE);
    begin_with_many_cells();
    writer_start(&writer, 51, reads);
    int whole = 0;
    for (int i = 0; i < reads; i++) {
        writer_allow(&writer);
        whole += read_whole(other) >= 0;
    }
    writer_join(&writer);
    print_message("%d of %d reads were whole\n", whole, reads);
    while (read_whole(other) < 0)
        ; /* the first may find the connection lost */
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
        cmocka_unit_test_setup_teardown(however_little_is_read_at_once_it_comes_to_the_same, begin_expected,
                                        end_expected),
        cmocka_unit_test_setup_teardown(what_is_read_while_commits_come_is_one_moment, begin_expected, end_expected),
        cmocka_unit_test_setup_teardown(a_connection_that_is_lost_between_parts_spoils_nothing, begin_expected,
                                        end_expected),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
