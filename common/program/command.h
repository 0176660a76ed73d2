/* SPDX-License-Identifier: Apache-2.0
 * The command line as tables: a program is a row of commands, a command a row of options. Help is printed from them.
 * Options may stand before or after the command; --name value and --name=value are the same. */
#ifndef TIDEMARK_PROGRAM_COMMAND_H
#define TIDEMARK_PROGRAM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

struct command_option {
    const char *name;     /* without the dashes */
    const char *argument; /* how help names it; NULL is a flag */
    const char *summary;
    const char **value; /* set to the argument, or to "" for a flag, where given; NULL-ended tables */
};

struct command {
    const char *name;
    const char *arguments; /* shown in help, e.g. "VIEW"; NULL where there are none */
    size_t argument_count; /* at least this many, */
    size_t optional_count; /* and so many more, NULL where they aren't given */
    const char *summary;
    int (*run)(void *context, char *arguments[]);
    const struct command_option *options; /* NULL, or ended by a row without a name */
    bool stands_alone;                    /* it needs no configuration; `run` is called with NULL */
    bool serves;                          /* it goes on until it is asked to end: ending early is no failure, */
    const char **finishes;                /* but where this option of it is given, which has it finish something */
    bool prints;                          /* it is run for what it prints: where that is lost it has failed */
    bool asks_another;                    /* the one that runs has read the files that the configuration names */
};

struct program {
    const char *name; /* tidemark-speed */
    const char *summary;
    const struct command *commands;       /* ended by a row without a name */
    const struct command_option *options; /* for all commands; ended by a row without a name */
};

/* What the command line asks for; `command` is NULL where none was named. */
struct command_line {
    const struct command *command;
    char *arguments[8];
    bool help, version;
};

/* Reads argv and sets the values of options. Errors are ERROR_USAGE, with the word that was probably meant. */
bool command_parse(const struct program *program, int argc, char *argv[], struct command_line *ret_line,
                   struct error *error) MUST_CHECK;

/* Whether it goes on until it is asked to end, as the command line was read. */
bool command_serves(const struct command *command);

/* Prints help: of one command; or of the program where command is NULL, each option once. */
void command_help(const struct program *program, const struct command *command, FILE *out);

#endif
