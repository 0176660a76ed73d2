/* SPDX-License-Identifier: Apache-2.0
 * Rows of a question, merged from the panes of a view: every component of a cell is additive, so a longer window or
 * fewer groups are the sum of their panes. Where panes are moments, the windows are sessions (sessions.h).
 *
 * A row is named by the start of its window and given whole: panes of it may lie behind the range. Panes come in order,
 * so that a group needs only to know its latest row, and rows need sorting within their window alone. */
#ifndef TIDEMARK_VIEW_ROLLUP_H
#define TIDEMARK_VIEW_ROLLUP_H

#include "base/bytes_map.h"
#include "view/question.h"
#include "view/sessions.h"
#include "view/sliding.h"

#define ROLLUP_ROWS_MAX 1000000

struct rollup_rows {
    struct rollup_row *rows;
    size_t count, capacity;
    bool is_disordered; /* one came behind a later start */
    struct arena cells;
};

struct rollup {
    const struct view_question *question;
    int64_t from_us, to_us;    /* of starts, half-open */
    struct bytes_map groups;   /* of all rows */
    struct rollup_rows merged; /* once closed by start and group */
    struct rollup_rows hops;   /* where windows hop: what each group has in a hop, by start */
    size_t *ranks;             /* once closed: of each group among all, in their order */
    struct buffer key;         /* scratch */
    int64_t pane_us;           /* the pane added last, and the window or the hop that it is in */
    int64_t start_us, end_us;
    int64_t latest_us; /* the latest start of those that were added and not given */
    bool is_warm, is_full;
    struct sessions sessions;       /* where panes are moments */
    int64_t open_us;                /* of the latest that is in the range: what starts then is in none of them */
    struct rollup *shown;           /* of members: the rollup whose rows take them; else NULL */
    size_t number;                  /* of members: their view's in the source */
    const struct rollup_row **rows; /* once they are ordered */
    size_t count;
};

void rollup_init(struct rollup *rollup, const struct view_question *question, int64_t from_us, int64_t to_us);
/* Of the hidden view with this number in the source, by question_of_members: when it is closed, the rows of `shown`,
 * which was closed before and has all their cells, take the members. It has no rows itself. */
void rollup_init_members(struct rollup *rollup, const struct view_question *question, size_t number,
                         struct rollup *shown);
void rollup_clean_up(struct rollup *rollup);

/* Adds the cell of a group in a pane to the rows that hold it; panes come in order of their start. The group is one of
 * the view's; `is_touched` is the caller's to give a meaning: a moment of which nothing is left touches the sessions on
 * either side, which it would join. False where memory is short, or with `is_full` where there are more than
 * ROLLUP_ROWS_MAX rows. */
bool rollup_add(struct rollup *rollup, int64_t pane_start_us, struct text group, const struct cell *cell,
                bool is_touched) MUST_CHECK;
/* No more is added: the rest may be called. False where memory is short, or `is_full`. */
bool rollup_close(struct rollup *rollup) MUST_CHECK;
/* Panes that start before that one are in no row; nor are those that start at or after this one, of moments as far as
 * they were added. */
int64_t rollup_begins_us(const struct rollup *rollup);
int64_t rollup_reach_us(const struct rollup *rollup);
/* The group of the row that has a pane of this group; it is the pane's, or the rollup's until it is used again. False
 * where memory is short. */
bool rollup_group(struct rollup *rollup, struct text pane_group, struct text *ret_group) MUST_CHECK;

/* By start, then by group. Once it is closed. */
int rollup_compare(const struct rollup *rollup, const struct rollup_row *a, const struct rollup_row *b);

/* Gives `rows` in the order asked for, without groups of which no version counts. False where memory is short. */
bool rollup_order(struct rollup *rollup) MUST_CHECK;

/* The rows that panes were added to, by start and group, also those of which no version counts. False behind the
 * last. */
bool rollup_get(const struct rollup *rollup, size_t number, struct rollup_row *ret_row);
/* The row of this start and group, whole. False where there is none, or no version counts. */
bool rollup_find(const struct rollup *rollup, int64_t start_us, struct text group, struct rollup_row *ret_row);

/* The number of the first row behind this one in that order, whether it is still there or not. */
size_t rollup_behind(const struct rollup *rollup, const struct rollup_row *row);

#endif
