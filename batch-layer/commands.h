/* SPDX-License-Identifier: Apache-2.0
 * tidemark-batch as a table of commands. */
#ifndef TIDEMARK_BATCH_COMMANDS_H
#define TIDEMARK_BATCH_COMMANDS_H

#include "program/program.h"

extern const struct program_description batch_program;

#endif
