/* SPDX-License-Identifier: Apache-2.0
 * Finds the rows of a snapshot that are asked for. All with the snapshot's read lock held. */
#ifndef TIDEMARK_SERVING_PICK_H
#define TIDEMARK_SERVING_PICK_H

#include "merged/completeness.h"
#include "merged/snapshot.h"
#include "selection.h"
#include "view_query.h"

/* What makes a row final: see row_is_final. */
struct finality {
    bool complete;      /* nothing is missing that could still change a row */
    int64_t settled_us; /* windows that end later may still get rows; INT64_MIN: each may */
    bool is_watermark;  /* settled by the view's watermark, and not by a batch run: real time may have rows there */
};
struct finality finality_of(const struct snapshot *snapshot, size_t view);
bool row_is_final(const struct finality *finality, int64_t end_us, bool has_live);

/* The first window start that is looked at. */
int64_t pick_begins(const struct view_state *state, const struct view_query *query);

/* Whether memory holds all that is asked for; false with the problem, 422. */
bool pick_is_held(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                  struct problem *problem) MUST_CHECK;

/* A page of what the query asks for, in its order; `next` gets the cursor of the page behind it, where there is one.
 * False with the problem: 503 where nothing was read yet or memory is short, 422 where the range touches windows that
 * aren't held in memory. */
bool pick_page(const struct snapshot *snapshot, size_t view, const struct view_query *query,
               struct selection *selection, struct buffer *next, struct problem *problem) MUST_CHECK;

#endif
