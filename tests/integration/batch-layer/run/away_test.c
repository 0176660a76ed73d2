/* SPDX-License-Identifier: Apache-2.0
 * A run over a log that nobody reads takes what waits in it all the same, and says so. */
#include "batch_fixture.h"

#include "kafka/client.h"
#include "ports/group.h"
#include "state/fit.h"

#define UNREAD "select partition, cut, unread from tidemark.partition order by 1"
#define OUTCOMES "select epoch, outcome from tidemark.run order by id"

static void make_watchful_world(struct world *world, int32_t partitions)
{
    make_world(world, partitions);
    world->batch.unread_after_ms = 20;
}

static void log_that_nobody_ever_read_is_published_up_to_its_end(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 2);
    memory_log_begin_at(&world.log, 1, 40);
    paid(&world, 0, "a", "10.00");
    paid(&world, 1, "b", "1.00");
    memory_log_append(&world.log, 1, "{", NOON_US);
    run_ok(&world);
    assert_rows(&world, "select partition, first_offset, cut, unread from tidemark.partition order by 1",
                "0 0 1 t\n1 40 42 t");
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 2 11.00 5.50");
    verify_ok(&world);
    run_ok(&world);
    paid(&world, 1, "c", "1.00");
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 1 t\n1 43 t");
    assert_rows(&world, OUTCOMES, "1 published\nnull nothing new\n2 published");
    verify_ok(&world);
    end_world(&world);
}

static void messages_behind_a_slot_that_nobody_commits_to_are_taken(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 2);
    paid(&world, 0, "a", "10.00");
    paid(&world, 1, "b", "1.00");
    follow_and_run(&world);
    assert_rows(&world, UNREAD, "0 1 f\n1 1 f");
    paid(&world, 1, "c", "1.00");
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 1 f\n1 2 t");
    assert_rows(&world, LEDGER, "3 3 0 0 0");
    verify_ok(&world);
    struct publication publication;
    assert_true(world.batch.publications->operations->read(world.batch.publications, world.source, &publication, NULL));
    assert_true(!publication.partitions[0].unread && publication.partitions[1].unread);
    assert_true(slot_fits(&world.realtime->slots[0], 0, &publication));
    assert_false(slot_fits(&world.realtime->slots[1], 1, &publication));
    publication_clean_up(&publication);
    end_world(&world);
}

static void speed_layer_that_comes_back_is_cut_by_its_epochs_again(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 1);
    paid_orders(&world, 3);
    run_ok(&world);
    shared_slots_begin(world.realtime, 0, 0, 2, 3);
    paid_orders(&world, 2);
    follow_and_run(&world);
    assert_rows(&world, UNREAD, "0 5 f");
    assert_rows(&world, OUTCOMES, "1 published\n2 published");
    verify_ok(&world);
    end_world(&world);
}

static void source_without_a_speed_layer_is_cut_at_the_ends_of_its_log_at_once(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    world.batch.unread_after_ms = 3600000; /* nobody is waited for */
    struct source alone = *world.source;
    alone.is_batch_alone = true;
    const struct source *lambda = world.source;
    world.source = &alone;
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 0 t\n1 0 t");
    paid(&world, 0, "a", "10.00");
    paid(&world, 1, "b", "1.00");
    run_ok(&world);
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 1 t\n1 1 t");
    assert_rows(&world, OUTCOMES, "1 published\n2 published\nnull nothing new");
    verify_ok(&world);
    /* It gets one, … */
    world.source = lambda;
    shared_slots_begin(world.realtime, 0, 0, 3, 1);
    shared_slots_begin(world.realtime, 1, 0, 3, 1);
    paid(&world, 0, "a", "20.00");
    follow_and_run(&world);
    assert_rows(&world, UNREAD, "0 2 f\n1 1 f");
    /* … and is without one again. */
    world.source = &alone;
    paid(&world, 1, "c", "2.00");
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 2 t\n1 2 t");
    assert_rows(&world, LEDGER, "4 3 1 0 0");
    end_world(&world);
}

/* A real-time store in which somebody commits to partition 0 whenever it is read. */
static struct restless {
    struct realtime_store_operations operations;
    const struct realtime_store_operations *before;
    struct slot *slot;
    int64_t next, from, reads; /* the offset that it has come to, and from which read on */
} restless;

static bool read_and_commit(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    if (++restless.reads >= restless.from) {
        snprintf(restless.slot->commit_id, sizeof restless.slot->commit_id, "c%" PRId64, restless.reads);
        restless.slot->next = restless.next;
    }
    return restless.before->read_slot(store, id, ret_slot, error);
}

static void commit_at_each_read(struct world *world, int64_t from, int64_t next)
{
    struct realtime_store *store = &world->realtime->store;
    restless = (struct restless){*store->operations, store->operations, .slot = &world->realtime->slots[0],
                                 .from = from, .next = next};
    restless.operations.read_slot = read_and_commit;
    store->operations = &restless.operations;
}

static void partition_that_somebody_commits_to_is_cut_where_its_slot_is(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 1);
    paid_orders(&world, 3);
    follow(&world);
    paid_orders(&world, 4);
    world.batch.unread_after_ms = 60000;
    commit_at_each_read(&world, 2, 5);
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 5 f");
    /* It goes on committing and takes nothing: that is not nothing new. */
    run_fails(&world, ERROR_TRY_AGAIN, "2 messages wait, and the speed layer hasn't taken any of them yet");
    world.realtime->store.operations = restless.before;
    verify_ok(&world);
    end_world(&world);
}

static void run_that_the_speed_layer_comes_back_to_takes_the_cut_from_its_slot(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 1);
    paid_orders(&world, 3);
    follow_and_run(&world);
    paid_orders(&world, 4);
    world.batch.unread_after_ms = 1;
    commit_at_each_read(&world, INT64_MAX, 6);
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 7 t");
    int64_t reads = restless.reads;
    paid_orders(&world, 2);
    world.realtime->store.operations = restless.before;
    shared_slots_begin(world.realtime, 0, 0, 3, 7);
    commit_at_each_read(&world, reads, 8); /* at the last of as many reads: that before it is published */
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 8 f");
    assert_rows(&world, "select outcome, message from tidemark.run order by id desc limit 2",
                "published null\nfailed source orders: partition 0 isn't ready: the speed layer came back to it while "
                "its messages were ingested");
    world.realtime->store.operations = restless.before;
    end_world(&world);
}

static void partition_without_a_slot_and_without_messages_waits_as_before(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 2);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready: the speed layer hasn't begun");
    paid(&world, 1, "a", "1.00");
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 0 t\n1 1 t");
    end_world(&world);
}

static void partition_that_is_held_is_published_up_to_its_slot_and_named(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 2);
    paid(&world, 0, "a", "1.00");
    paid(&world, 1, "b", "1.00");
    follow(&world);
    struct slot *slot = &world.realtime->slots[0];
    snprintf(slot->alarm, sizeof slot->alarm, "breaker");
    paid_orders(&world, 3);
    run_fails(&world, ERROR_HELD, "source orders: in partition 0 3 messages wait: the breaker stopped it");
    assert_int_equal(error_exit_code(&world.error), 75);
    assert_false(error_is_retriable(&world.error));
    assert_rows(&world, UNREAD, "0 1 f\n1 1 f");
    assert_rows(&world, OUTCOMES, "1 published");
    verify_ok(&world);
    run_fails(&world, ERROR_HELD, "in partition 0 3 messages wait: the breaker");
    paid(&world, 1, "c", "1.00"); /* which nobody reads */
    snprintf(slot->alarm, sizeof slot->alarm, "foreign");
    run_fails(&world, ERROR_HELD, "in partition 0 3 messages wait: another installation");
    assert_rows(&world, UNREAD, "0 1 f\n1 2 t");
    assert_rows(&world, OUTCOMES, "1 published\nnull failed\n2 published");
    slot->alarm[0] = '\0';
    follow(&world);
    shared_slots_begin(world.realtime, 1, 0, 3, 2);
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 4 f\n1 2 f");
    verify_ok(&world);
    end_world(&world);
}

/* A group in which one member has partition 0. */
static const struct group_partition taken = {"orders", 0};
static struct group_member member = {.host = "/10.0.0.5", .partitions = &taken, .partition_count = 1};
static int unsettled; /* so often the group is asked in vain */

static bool give_members(struct consumer_group *group, struct group_members *ret_members, struct error *error)
{
    (void)group;
    if (!member.client_id)
        return error_set(error, ERROR_UNAVAILABLE, "the group is down");
    *ret_members = (struct group_members){.is_settled = unsettled-- <= 0, .members = &member, .count = 1};
    return true;
}

static void destroy_group(struct consumer_group *group)
{
    (void)group;
}

static void join_group(struct world *world, const char *client_id)
{
    static const struct consumer_group_operations operations = {give_members, destroy_group};
    static struct consumer_group group = {&operations};
    member.client_id = client_id;
    world->batch.group = &group;
    world->batch.access = calloc(1, sizeof *world->batch.access);
    assert_non_null(world->batch.access);
    *world->batch.access = (struct kafka_access){.client_id = "tidemark/ours/orders"};
}

static void partition_that_another_installation_has_stays_as_it_was(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 2);
    join_group(&world, "tidemark/theirs/orders");
    paid(&world, 0, "a", "1.00");
    paid(&world, 1, "b", "1.00");
    unsettled = 2;
    world.batch.ready_wait_ms = 60000;
    run_fails(&world, ERROR_HELD,
              "in partition 0 1 messages wait: another installation is a member of the same consumer group and has it; "
              "give each its own kafka.group (client id tidemark/theirs/orders, host /10.0.0.5)");
    assert_int_equal(unsettled, -1);
    assert_rows(&world, UNREAD, "0 0 f\n1 1 t");
    run_fails(&world, ERROR_HELD, "in partition 0 1 messages wait");
    assert_rows(&world, OUTCOMES, "1 published\nnull failed");
    shared_slots_begin(world.realtime, 0, 0, 2, 0);
    shared_slots_begin(world.realtime, 1, 0, 2, 1);
    snprintf(world.realtime->slots[0].alarm, ALARM_SIZE, SLOT_ALARM_FOREIGN);
    paid(&world, 1, "c", "1.00");
    follow(&world);
    world.realtime->slots[0].next = 0;
    run_fails(&world, ERROR_HELD, "(client id tidemark/theirs/orders, host /10.0.0.5)");
    assert_rows(&world, UNREAD, "0 0 f\n1 2 f");
    end_world(&world);
}

static void member_of_ours_or_a_group_that_is_down_holds_nothing(void **state)
{
    (void)state;
    static const char *const ids[] = {"tidemark/ours/orders,customers", NULL};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct world world;
        make_watchful_world(&world, 1);
        join_group(&world, ids[i]);
        paid(&world, 0, "a", "1.00");
        run_ok(&world);
        assert_rows(&world, UNREAD, "0 1 t");
        end_world(&world);
    }
}

static void alarm_that_a_run_takes_away_holds_nothing(void **state)
{
    (void)state;
    struct world world;
    make_watchful_world(&world, 1);
    paid_orders(&world, 3);
    follow(&world);
    struct slot *slot = &world.realtime->slots[0];
    snprintf(slot->alarm, sizeof slot->alarm, "groups");
    run_ok(&world);
    assert_rows(&world, UNREAD, "0 3 f");
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_that_nobody_ever_read_is_published_up_to_its_end),
        cmocka_unit_test(messages_behind_a_slot_that_nobody_commits_to_are_taken),
        cmocka_unit_test(source_without_a_speed_layer_is_cut_at_the_ends_of_its_log_at_once),
        cmocka_unit_test(speed_layer_that_comes_back_is_cut_by_its_epochs_again),
        cmocka_unit_test(partition_that_somebody_commits_to_is_cut_where_its_slot_is),
        cmocka_unit_test(run_that_the_speed_layer_comes_back_to_takes_the_cut_from_its_slot),
        cmocka_unit_test(partition_that_is_held_is_published_up_to_its_slot_and_named),
        cmocka_unit_test(partition_that_another_installation_has_stays_as_it_was),
        cmocka_unit_test(member_of_ours_or_a_group_that_is_down_holds_nothing),
        cmocka_unit_test(alarm_that_a_run_takes_away_holds_nothing),
        cmocka_unit_test(partition_without_a_slot_and_without_messages_waits_as_before),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
