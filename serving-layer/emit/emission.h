/* SPDX-License-Identifier: Apache-2.0
 * Keeps a sink a copy of a view at stated offsets.
 *
 * Each turn takes one state of the view and writes what differs from what the sink holds, with the statement of what it
 * is of, in one step. A sink in the mode `append` is given rows once they are final, numbered where they come again. A
 * state is taken only where it is complete, and none of its partitions stands below the offset
 * that the sink states: an answer says that it is exact at its offsets, not that these are the newest, and where a
 * store was emptied it is exact at older ones for a while. After any failure all is read again from the sink. */
#ifndef TIDEMARK_EMIT_EMISSION_H
#define TIDEMARK_EMIT_EMISSION_H

#include "config/settings.h"
#include "emit/differences.h"
#include "emit/statement.h"
#include "merged/snapshot.h"
#include "ports/lease.h"
#include "ports/sink_store.h"

struct emission_options {
    const struct sink *sink;
    struct snapshot *snapshot; /* of the sink's source */
    struct sink_store *store;
    struct lease *lease; /* NULL: nobody else writes the sink */
    bool restarts;       /* whatever the sink holds and states goes, with the first micro-batch */
    /* Where a partition of the source's topic ends; -1: the topic has no such partition. NULL: nobody knows. */
    bool (*log_end)(void *context, int32_t partition, int64_t *ret_end, struct error *error);
    void *context;
};

enum emission_outcome {
    EMISSION_WROTE, /* a micro-batch */
    EMISSION_SAME,  /* the sink holds the present state already */
    EMISSION_WAITS, /* there is no state to be taken, or another process writes the sink: the error says which */
    EMISSION_FAILED
};

struct emission {
    struct emission_options options;
    size_t view; /* its number in the source */
    struct view_query query;
    bool is_following;
    struct feed_reader reader; /* only keeps what has changed remembered, once it follows */
    bool is_open;
    struct buffer stated; /* the sink's statement, as it is there; empty: none */
    int64_t number;       /* of that statement */
    struct held_copy copy;
    struct stream_position position; /* what the sink holds is of; its offsets are the highest that it ever stated */
    size_t rows, restated;           /* of the last micro-batch; those of a second revision or later among them */
    int64_t asked_us;                /* when log_end was asked last (monotonic) */
};

/* What the options point to outlives it. */
void emission_init(struct emission *emission, const struct emission_options *options);
void emission_clean_up(struct emission *emission);

/* `error` is set after EMISSION_WAITS and EMISSION_FAILED. ERROR_CONFIGURATION: only an operator can help; the message
 * says how. */
enum emission_outcome emission_turn(struct emission *emission, struct error *error);

#endif
