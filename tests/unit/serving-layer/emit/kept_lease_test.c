/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <stdatomic.h>
#include <time.h>

#include "emit/kept_lease.h"

/* A lease that counts what it is asked. */
static struct counted_lease {
    struct lease lease;
    _Atomic bool is_ours, fails;
    _Atomic int holds, releases, ends;
} counted;

static bool counted_hold(struct lease *lease, bool *ret_held, struct error *error)
{
    (void)lease;
    atomic_fetch_add(&counted.holds, 1);
    if (atomic_load(&counted.fails))
        return error_set(error, ERROR_UNAVAILABLE, "down");
    *ret_held = atomic_load(&counted.is_ours);
    return true;
}

static void counted_release(struct lease *lease)
{
    (void)lease;
    atomic_fetch_add(&counted.releases, 1);
}

static void counted_destroy(struct lease *lease)
{
    (void)lease;
    atomic_fetch_add(&counted.ends, 1);
}

static int start(void **state)
{
    static const struct lease_operations operations = {
        .hold = counted_hold, .release = counted_release, .destroy = counted_destroy};
    struct lease *kept = NULL;
    struct error error = {0};
    counted = (struct counted_lease){.lease = {&operations}, .is_ours = true};
    assert_true(kept_lease_open(&counted.lease, &kept, &error));
    *state = kept;
    return 0;
}

static int stop(void **state)
{
    struct lease *kept = *state;
    kept->operations->destroy(kept);
    return counted.ends == 1 ? 0 : -1;
}

static bool is_held(struct lease *kept)
{
    struct error error = {0};
    bool held = false;
    return kept->operations->hold(kept, &held, &error) && held;
}

static void await_more_holds(int more)
{
    int until = atomic_load(&counted.holds) + more;
    while (atomic_load(&counted.holds) < until)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void it_is_renewed_without_being_asked_also_while_its_store_is_down(void **state)
{
    assert_true(is_held(*state));
    atomic_store(&counted.fails, true);
    assert_false(is_held(*state));
    await_more_holds(1);
    atomic_store(&counted.fails, false);
    await_more_holds(1);
    assert_true(is_held(*state));
}

/* Nothing but the next to ask may take it then. */
static void what_was_lost_or_given_up_is_not_renewed(void **state)
{
    struct lease *kept = *state;
    assert_true(is_held(kept));
    atomic_store(&counted.is_ours, false);
    assert_false(is_held(kept));
    atomic_store(&counted.is_ours, true);
    assert_true(is_held(kept));
    kept->operations->release(kept);
    assert_int_equal(counted.releases, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_renewed_without_being_asked_also_while_its_store_is_down, start, stop),
        cmocka_unit_test_setup_teardown(what_was_lost_or_given_up_is_not_renewed, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
