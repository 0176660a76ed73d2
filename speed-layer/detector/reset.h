/* SPDX-License-Identifier: Apache-2.0
 * Says where a detector goes on whose positions are gone, or that is to judge again. */
#ifndef TIDEMARK_SPEED_RESET_H
#define TIDEMARK_SPEED_RESET_H

#include "config/settings.h"

/* `from` is "end" or "beginning". Refused while a process has the detector. Returns the exit code. */
int detector_reset(const struct settings *settings, const char *detector, const char *from);

/* The detector of this name; NULL with ERROR_USAGE, which names the one that was probably meant. */
const struct detector *detector_named(const struct settings *settings, const char *name, struct error *error);

#endif
