/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/ticker.h"

#define NEVER_US (3600 * US_PER_SECOND) /* from now: longer than any test */

struct work {
    struct ticker ticker;
    _Atomic int ticks;
    int64_t wait_us; /* from one tick to the next */
    bool is_long;    /* a tick ends only when it is asked to */
};

static int64_t tick(void *context)
{
    struct work *work = context;
    atomic_fetch_add(&work->ticks, 1);
    while (work->is_long && !ticker_is_stopping(&work->ticker))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return work->wait_us == TICKER_END ? TICKER_END : clock_monotonic_us() + work->wait_us;
}

static void start(struct work *work, int64_t wait_us, int64_t first_us)
{
    work->wait_us = wait_us;
    ticker_init(&work->ticker, tick, work);
    assert_true(ticker_start(&work->ticker, first_us, NULL));
}

static void await(struct work *work, int ticks)
{
    while (atomic_load(&work->ticks) < ticks)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void ticks_come_again_until_it_is_stopped(void **state)
{
    (void)state;
    struct work work = {0};
    start(&work, 0, 0);
    await(&work, 3);
    ticker_stop(&work.ticker);
    int ticks = atomic_load(&work.ticks);
    ticker_clean_up(&work.ticker);
    assert_int_equal(atomic_load(&work.ticks), ticks);
}

static void wake_brings_the_next_tick_at_once(void **state)
{
    (void)state;
    struct work work = {0};
    start(&work, NEVER_US, clock_monotonic_us() + NEVER_US);
    ticker_wake(&work.ticker);
    await(&work, 1);
    ticker_wake(&work.ticker);
    await(&work, 2);
    ticker_clean_up(&work.ticker);
}

static void stop_does_not_wait_for_the_next_tick(void **state)
{
    (void)state;
    struct work work = {0};
    start(&work, 0, clock_monotonic_us() + NEVER_US);
    ticker_clean_up(&work.ticker);
    assert_int_equal(atomic_load(&work.ticks), 0);
}

static void long_tick_sees_that_somebody_waits_for_the_end(void **state)
{
    (void)state;
    struct work work = {.is_long = true};
    start(&work, 0, 0);
    await(&work, 1);
    ticker_clean_up(&work.ticker);
    assert_int_equal(atomic_load(&work.ticks), 1);
}

static void last_tick_ends_the_thread(void **state)
{
    (void)state;
    struct work work = {0};
    start(&work, TICKER_END, 0);
    await(&work, 1);
    ticker_wake(&work.ticker);
    ticker_clean_up(&work.ticker);
    assert_int_equal(atomic_load(&work.ticks), 1);
}

static void one_that_was_never_started_is_stopped_and_cleaned_up(void **state)
{
    (void)state;
    struct work work = {0};
    ticker_init(&work.ticker, tick, &work);
    ticker_wake(&work.ticker);
    ticker_stop(&work.ticker);
    ticker_clean_up(&work.ticker);
    assert_int_equal(atomic_load(&work.ticks), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_come_again_until_it_is_stopped),
        cmocka_unit_test(wake_brings_the_next_tick_at_once),
        cmocka_unit_test(stop_does_not_wait_for_the_next_tick),
        cmocka_unit_test(long_tick_sees_that_somebody_waits_for_the_end),
        cmocka_unit_test(last_tick_ends_the_thread),
        cmocka_unit_test(one_that_was_never_started_is_stopped_and_cleaned_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
