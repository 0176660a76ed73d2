/* SPDX-License-Identifier: Apache-2.0
 * The manual page and the shell completion of a program, printed from the tables that its command line is read by. */
#ifndef TIDEMARK_PROGRAM_COMMAND_MANUAL_H
#define TIDEMARK_PROGRAM_COMMAND_MANUAL_H

#include <stdio.h>

#include "program/command.h"

/* A page of section 1, in man(7). */
void command_print_man(const struct program *program, const char *version, FILE *out);

/* For bash: commands, options, and files where an option takes one. */
void command_print_completion(const struct program *program, FILE *out);

#endif
