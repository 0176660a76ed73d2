/* SPDX-License-Identifier: Apache-2.0
 * A commit: what a speed layer adds to a slot in one atomic step, and what the store can answer. */
#ifndef TIDEMARK_STATE_COMMIT_H
#define TIDEMARK_STATE_COMMIT_H

#include "state/ledger.h"
#include "state/slot.h"

struct commit {
    struct slot_id id;
    const struct source *source;
    const char *incarnation, *cluster; /* must be the slot's, as must be source->fingerprint */
    const char *commit_id;  /* unique per attempt at these messages; the same when a commit is tried again; no colon */
    const char *after;      /* the last commit that the writer knows of, "" none: must be the slot's, for a store that
                             * came back older can have come to the same offset on another way */
    int64_t expected, next; /* offsets: the slot must be at `expected`, and is at `next` afterwards */
    int64_t floor, floor_time_us, clock_us, idle_us, deferred_us, tail, tail_time_us;
    uint64_t tail_hash;
    int64_t end, real_end;
    const struct gaps *gaps;     /* all that are to be kept; NULL: none */
    const char *alarm;           /* NULL: none */
    int64_t wanted_epoch;        /* see struct slot */
    const struct ledger *ledger; /* to add */
    const struct panes *panes;   /* to add: one a view of the source; zero cells are left out */
    bool has_checksums;          /* the slot has them: see slot_has_checksums */
    int64_t left_us;             /* see struct slot */
    /* All cells of the slot's current epoch that leave: one a view, those that begin before view_leaves_before_us() by
     * the clock left_us. `panes` and those of the slot hold none of them afterwards. NULL: none leave. */
    const struct panes *leaving;
};

/* What a commit that is taken makes of the fields that it carries: for the writer, and for a store in memory. */
void slot_follow(struct slot *slot, const struct commit *commit);

enum commit_answer {
    COMMIT_OK,
    COMMIT_ALREADY, /* the retry of a commit that had worked */
    COMMIT_REWOUND, /* the store is older than `expected`: read again from there */
    COMMIT_AHEAD,   /* somebody else went on, or came to this offset on another way: let go */
    COMMIT_LOST,    /* no slot: begin again from the published cut */
    COMMIT_FOREIGN, /* another incarnation, cluster or format */
};
const char *commit_answer_name(enum commit_answer answer); /* "OK", "ALREADY", … */

struct commit_outcome {
    enum commit_answer answer;
    int64_t next; /* the slot's next offset for OK, ALREADY, REWOUND and AHEAD */
};

#endif
