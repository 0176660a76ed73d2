/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program/program.h"

static int exit_code(pid_t child)
{
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The exit code of a process that leaves with `code` and has `output` as its standard error. */
static int leave_with(int code, int output)
{
    pid_t child = fork();
    if (child == 0) {
        dup2(output, STDERR_FILENO);
        program_leave_with(code);
        program_leave();
    }
    return exit_code(child);
}

static const char *once;

static int never_end(void *context, char *arguments[])
{
    (void)context, (void)arguments;
    program_leave();
}

/* That of a program whose command doesn't end when it is asked to. */
static int leave_command(const char *command, const char *option)
{
    static const struct command_option options[] = {{"once", NULL, "once", &once}, {0}};
    static const struct command commands[] = {
        {.name = "serve",
         .run = never_end,
         .options = options,
         .stands_alone = true,
         .serves = true,
         .finishes = &once},
        {.name = "compute", .run = never_end, .stands_alone = true},
        {0},
    };
    static const struct program_description description = {.name = "tidemark", .commands = commands};
    char program[] = "tidemark", *argv[] = {program, (char *)(uintptr_t)command, (char *)(uintptr_t)option, NULL};
    pid_t child = fork();
    if (child == 0)
        _exit(program_main(&description, option ? 3 : 2, argv));
    return exit_code(child);
}

static int print_something(void *context, char *arguments[])
{
    (void)context, (void)arguments;
    printf("a token that is shown once\n");
    return 0;
}

/* The exit code of a program whose standard output is this. */
static int print_into(const char *argument, int output)
{
    static const struct command commands[] = {
        {.name = "tell", .run = print_something, .stands_alone = true, .prints = true},
        {.name = "do", .run = print_something, .stands_alone = true},
        {0},
    };
    static const struct program_description description = {.name = "tidemark", .commands = commands};
    char program[] = "tidemark", *argv[] = {program, (char *)(uintptr_t)argument, NULL};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(output, STDOUT_FILENO);
        _exit(program_main(&description, 2, argv));
    }
    return exit_code(child);
}

static void what_is_run_for_its_output_has_failed_where_that_is_lost(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY), none = open("/dev/null", O_WRONLY), ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(print_into("tell", full), 69);
    assert_int_equal(print_into("--help", full), 69);
    assert_int_equal(print_into("--version", full), 69);
    assert_int_equal(print_into("do", full), 0);
    assert_int_equal(print_into("tell", none), 0);
    assert_int_equal(print_into("tell", ends[1]), 0); /* who reads has enough */
    close(ends[1]);
    close(full);
    close(none);
}

/* The number that what it opens first has. */
static int open_something(void *context, char *arguments[])
{
    (void)context, (void)arguments;
    return open("/dev/zero", O_RDONLY);
}

static void what_is_opened_takes_no_standard_descriptor(void **state)
{
    (void)state;
    static const struct command commands[] = {{.name = "open", .run = open_something, .stands_alone = true}, {0}};
    static const struct program_description description = {.name = "tidemark", .commands = commands};
    char program[] = "tidemark", command[] = "open", *argv[] = {program, command, NULL};
    for (int closed = STDIN_FILENO; closed <= STDERR_FILENO; closed++) {
        pid_t child = fork();
        if (child == 0) {
            for (int descriptor = closed; descriptor <= STDERR_FILENO; descriptor++)
                close(descriptor);
            _exit(program_main(&description, 2, argv));
        }
        assert_true(exit_code(child) > STDERR_FILENO);
    }
}

static void what_was_to_finish_something_and_is_left_says_so_by_its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(leave_command("serve", NULL), 0);
    assert_int_equal(leave_command("serve", "--once"), 75);
    assert_int_equal(leave_command("compute", NULL), 75);
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
        cmocka_unit_test(what_is_run_for_its_output_has_failed_where_that_is_lost),
        cmocka_unit_test(what_is_opened_takes_no_standard_descriptor),
        cmocka_unit_test(what_was_to_finish_something_and_is_left_says_so_by_its_exit_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
