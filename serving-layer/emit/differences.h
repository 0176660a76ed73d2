/* SPDX-License-Identifier: Apache-2.0
 * What a micro-batch is of: the rows of a state that a sink doesn't hold so already.
 *
 * In the mode `update` these are the rows that changed, and those that vanished. In the mode `append` they are the rows
 * that are final: first as they are, then with the next revision where they changed or vanished. A row that isn't final
 * any more, since a partition's first message took the watermark back, stays as it was written until it is final again;
 * one that is only past the retention stays for good. */
#ifndef TIDEMARK_EMIT_DIFFERENCES_H
#define TIDEMARK_EMIT_DIFFERENCES_H

#include "config/settings.h"
#include "emit/batch_rows.h"
#include "ports/held_rows.h"
#include "view_event.h"

/* What is known of a sink's rows. */
struct held_copy {
    bool is_loaded; /* they are those that the sink holds */
    struct held_rows rows;
};

struct differences {
    const struct sink *sink;
    struct sink_store *store;
    bool restarts;      /* what the store holds goes */
    struct text stated; /* by the store of itself; empty: nothing */
    struct held_copy *copy;
    const struct view_event *event;
    struct batch_rows *rows;
};

/* Keeps those rows in `rows`, and in the copy from now on. Where all rows of the state are given, and those of the sink
 * aren't known, they are read first: ERROR_CONFIGURATION where others have changed them, and that isn't to be made
 * right. */
bool differences_keep(const struct differences *differences, struct error *error) MUST_CHECK;

#endif
