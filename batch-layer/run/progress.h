/* SPDX-License-Identifier: Apache-2.0
 * How far a long piece of work is, for people: one line that is written over again, only where standard error is a
 * terminal. */
#ifndef TIDEMARK_BATCH_PROGRESS_H
#define TIDEMARK_BATCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what, *unit; /* "orders", "messages" */
    int64_t total, done;     /* of units: of messages by their offsets */
    int64_t began_us, shown_us;
    bool terminal;
};

void progress_begin(struct progress *progress, const char *what, const char *unit, int64_t total);
void progress_add(struct progress *progress, int64_t done);
/* Clears the line. Returns how long it took, in seconds, never 0. */
double progress_end(struct progress *progress);

#endif
