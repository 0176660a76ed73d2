/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shutdown.h"

#define LEFT 3 /* the exit code of a process that was left */

static void leave(void)
{
    _exit(LEFT);
}

static void hang(void)
{
    for (;;)
        pause();
}

/* What a process that does this ends with. */
static int end_of(void (*act)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        shutdown_install();
        act();
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void deadline_counts_from_the_first_request(void **state)
{
    (void)state;
    const int64_t deadline_us = 6 * US_PER_SECOND, requested_us = 100 * US_PER_SECOND;
    assert_int_equal(shutdown_left_us(requested_us, deadline_us, requested_us), deadline_us);
    assert_int_equal(shutdown_left_us(requested_us, deadline_us, requested_us + US_PER_SECOND), 5 * US_PER_SECOND);
    assert_int_equal(shutdown_left_us(requested_us, deadline_us, requested_us + deadline_us), 0);
    assert_int_equal(shutdown_left_us(requested_us, deadline_us, requested_us + 2 * deadline_us), 0);
}

static void ask_and_hang(void)
{
    if (shutdown_watch(20000, leave))
        raise(SIGTERM);
    hang();
}

static void ask_by_hand_and_hang(void)
{
    if (shutdown_watch(20000, leave))
        shutdown_request();
    hang();
}

static void process_that_hangs_after_term_is_left_at_its_deadline(void **state)
{
    (void)state;
    assert_int_equal(end_of(ask_and_hang), LEFT);
    assert_int_equal(end_of(ask_by_hand_and_hang), LEFT);
}

static void ask_and_end(void)
{
    if (shutdown_watch(3600 * US_PER_SECOND, leave))
        raise(SIGTERM);
    _exit(shutdown_requested() ? 0 : 1);
}

static void process_that_ends_in_time_is_not_left(void **state)
{
    (void)state;
    assert_int_equal(end_of(ask_and_end), 0);
}

static void ask_twice(void)
{
    if (shutdown_watch(3600 * US_PER_SECOND, leave))
        raise(SIGTERM);
    raise(SIGTERM);
    hang();
}

static void second_signal_ends_it_at_once(void **state)
{
    (void)state;
    assert_int_equal(end_of(ask_twice), 128 + SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline_counts_from_the_first_request),
        cmocka_unit_test(process_that_hangs_after_term_is_left_at_its_deadline),
        cmocka_unit_test(process_that_ends_in_time_is_not_left),
        cmocka_unit_test(second_signal_ends_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
