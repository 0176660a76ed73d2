/* SPDX-License-Identifier: Apache-2.0
 * Rows of a question, merged from the panes of a view: every component of a cell is additive, so a longer window or
 * fewer groups are the sum of their panes. Where panes are moments, the windows are sessions (sessions.h).
 *
 * A row is named by the start of its window and given whole: panes of it may lie behind the range. */
#ifndef TIDEMARK_VIEW_ROLLUP_H
#define TIDEMARK_VIEW_ROLLUP_H

#include "base/bytes_map.h"
#include "view/question.h"
#include "view/sessions.h"

#define ROLLUP_ROWS_MAX 1000000

struct rollup_row {
    int64_t start_us, end_us;
    struct text group; /* of question->rows */
    const struct cell *cell;
    bool is_touched; /* one of its panes was */
};

struct rollup {
    const struct view_question *question;
    int64_t from_us, to_us;    /* of starts, half-open */
    struct bytes_map map;      /* by start and group */
    struct buffer key;         /* scratch */
    struct bytes_map hops;     /* the same of each hop, where windows hop, until rollup_close */
    int64_t pane_us, start_us; /* the pane added last, and the start of the window or the hop that it is in */
    bool is_warm, is_full;
    struct sessions sessions; /* where panes are moments */
    int64_t open_us;          /* of the latest that is in the range: what starts then is in none of them */
    struct rollup_row *rows;  /* once they are ordered; they point into the map */
    size_t count;
};

void rollup_init(struct rollup *rollup, const struct view_question *question, int64_t from_us, int64_t to_us);
void rollup_clean_up(struct rollup *rollup);

/* Adds the cell of a group in a pane to the rows that hold it; moments come in order. `dimensions` are the view's, as
 * group_parse gives them; `is_touched` is the caller's to give a meaning: a moment of which nothing is left touches the
 * sessions on either side, which it would join. False where memory is short, or with `is_full` where there are more
 * than ROLLUP_ROWS_MAX rows. */
bool rollup_add(struct rollup *rollup, int64_t pane_start_us, const struct value dimensions[], const struct cell *cell,
                bool is_touched) MUST_CHECK;
/* No more is added: the rest may be called. False where memory is short, or `is_full`. */
bool rollup_close(struct rollup *rollup) MUST_CHECK;
/* Takes what was added to `members`, a rollup of question_of_members, into the rows, which have all their cells. */
void rollup_take_members(struct rollup *rollup, size_t number, const struct rollup *members);
/* Panes that start before that one are in no row; nor are those that start at or after this one, of moments as far as
 * they were added. */
int64_t rollup_begins_us(const struct rollup *rollup);
int64_t rollup_reach_us(const struct rollup *rollup);
/* The group that a pane's row has; it is the rollup's until it is used again. NULL data where memory is short. */
struct text rollup_group(struct rollup *rollup, const struct value dimensions[]);

/* Gives `rows` in the order asked for, without groups of which no version counts. False where memory is short. */
bool rollup_order(struct rollup *rollup) MUST_CHECK;

/* The rows that panes were added to, in no order, also those of which no version counts; of windows that
 * hop and of sessions with their ends. False behind the last. */
bool rollup_get(const struct rollup *rollup, size_t number, struct rollup_row *ret_row);
/* The row of this start and group, whole; the group is the caller's. False where there is none, or no version counts.
 */
bool rollup_find(struct rollup *rollup, int64_t start_us, struct text group, struct rollup_row *ret_row);

/* The number of the first row behind this one in that order, whether it is still there or not. */
size_t rollup_behind(const struct rollup *rollup, const struct rollup_row *row);

#endif
