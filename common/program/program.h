/* SPDX-License-Identifier: Apache-2.0
 * What the three programs have in common: their options, their help, loading and checking the configuration.
 *
 *     int main(int argc, char *argv[]) { return program_main(&program, argc, argv); }
 *
 * A command's `run` is called with the loaded `struct settings *` as its context and returns the exit code. */
#ifndef TIDEMARK_PROGRAM_PROGRAM_H
#define TIDEMARK_PROGRAM_PROGRAM_H

#include "base/clock.h"
#include "config/checks.h"
#include "program/command.h"

/* Names and summary of a program, and its commands; the common options are added. */
struct program_description {
    const char *name;
    const char *summary;
    const struct command *commands; /* ended by a row without a name */
    struct settings_checks checks;  /* of the libraries that the program is linked to */
};

/* Parses the command line; handles --help, --version, --check-config and --log-format; loads the configuration
 * (--config, else TIDEMARK_CONFIG, else tidemark.yaml) and has it checked; installs the signal handlers;
 * runs the command. */
int program_main(const struct program_description *description, int argc, char *argv[]);

/* Logs the error and gives its exit code. */
int program_fail(const struct error *error);

/* A program that is asked to end and can't, because a server is silent or the machine is busy, leaves what it was at
 * after so long, and says so in one line: whoever asked may kill it soon (Docker does after 10 s). What isn't committed
 * by then is as after a kill -9: it is read again. */
#define PROGRAM_LEAVE_US (6 * US_PER_SECOND)

/* With which exit code it then ends: until this is called, or program_fail, 0 where the command serves
 * (command_serves), else that of ERROR_TRY_AGAIN. Any thread. */
void program_leave_with(int code);

/* What ends it then: the line, where that can be written within a second, and the end. */
_Noreturn void program_leave(void);

#endif
