/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program/program.h"

/* The exit code of a process that leaves with `code` and has `output` as its standard error. */
static int leave_with(int code, int output)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        dup2(output, STDERR_FILENO);
        program_leave_with(code);
        program_leave();
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void program_leaves_well_before_it_would_be_killed(void **state)
{
    (void)state;
    assert_true(PROGRAM_LEAVE_US <= 8 * US_PER_SECOND - 2 * US_PER_SECOND); /* what a busy machine adds */
}

static void program_that_leaves_says_so_in_one_line(void **state)
{
    (void)state;
    char said[4096];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(leave_with(0, ends[1]), 0);
    close(ends[1]);
    ssize_t length = read(ends[0], said, sizeof said - 1);
    assert_true(length > 0);
    said[length] = '\0';
    assert_non_null(strstr(said, "not ended 6 s after it was asked to"));
    assert_ptr_equal(strchr(said, '\n'), said + length - 1);
    close(ends[0]);
}

static void program_leaves_although_nobody_takes_its_line(void **state)
{
    (void)state;
    char full[4096] = {0};
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], full, sizeof full) > 0)
        ;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    assert_int_equal(leave_with(75, ends[1]), 75);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_leaves_well_before_it_would_be_killed),
        cmocka_unit_test(program_that_leaves_says_so_in_one_line),
        cmocka_unit_test(program_leaves_although_nobody_takes_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
