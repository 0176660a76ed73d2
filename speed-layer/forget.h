/* SPDX-License-Identifier: Apache-2.0
 * The command that removes the slots of other definitions at once. */
#ifndef TIDEMARK_SPEED_FORGET_H
#define TIDEMARK_SPEED_FORGET_H

#include "config/settings.h"

/* Prints which slots there are under other definitions of the configured sources, and removes them; at a terminal it
 * asks first, but where `yes` is given. Returns the exit code. */
int speed_forget(const struct settings *settings, bool other_definitions, bool yes);

#endif
