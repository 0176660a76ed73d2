/* SPDX-License-Identifier: Apache-2.0
 * The command `emit`: follows the stores as `run` does, and writes the views' rows to their sinks. */
#ifndef TIDEMARK_EMIT_EMIT_H
#define TIDEMARK_EMIT_EMIT_H

#include "config/settings.h"

/* Of the command line; NULL: not given. */
struct emit_request {
    const char *view, *to, *once, *restart;
};

/* Emits until a shutdown is requested, or once; the exit code. */
int emit_run(const struct settings *settings, const struct emit_request *request);

/* Asks the one that emits with this configuration whether it does its work; the exit code is 0 or 1. */
int emit_probe(const struct settings *settings);

#endif
