/* SPDX-License-Identifier: Apache-2.0
 * What may be asked of a view's panes beside range and filters: longer windows that the panes make up, fewer
 * dimensions, an order, and only the first rows of each window. What can't be answered exactly is refused, with what
 * can. */
#ifndef TIDEMARK_VIEW_QUESTION_H
#define TIDEMARK_VIEW_QUESTION_H

#include "view/view.h"

#define ORDER_KEYS_MAX (1 + DIMENSIONS_MAX + MEASURES_MAX)

enum order_kind { ORDER_WINDOW, ORDER_DIMENSION, ORDER_MEASURE };

struct order_key {
    enum order_kind kind;
    size_t number; /* of the dimension or measure of the rows */
    bool descends;
};

struct view_question {
    const struct view *view;     /* whose panes there are */
    struct view rows;            /* what rows are of: its window, dimensions and measures are those asked for */
    size_t kept[DIMENSIONS_MAX]; /* which of the view's dimensions each dimension of the rows is */
    int64_t panes;               /* so many windows of `rows`, one after the other, are a row; 1: tumbling */
    struct order_key order[ORDER_KEYS_MAX];
    size_t order_count;
    int64_t per_window; /* rows of each window; 0: all */
};

/* Asks for the panes themselves. */
void question_init(struct view_question *question, const struct view *view);
/* Asks for the members of what `question` asks for: `hidden` is a hidden view of its view. */
void question_of_members(const struct view_question *question, const struct view *hidden,
                         struct view_question *ret_question);
/* Whether the panes are the rows, in the order in which they lie. */
bool question_is_plain(const struct view_question *question);
/* Whether rows are of other windows than those of the view. */
bool question_has_other_windows(const struct view_question *question);
/* The start of the first window of the rows in which a pane that starts then is. Not of sessions. */
int64_t question_first_start_us(const struct view_question *question, int64_t pane_start_us);

/* Each takes the text of a parameter. On failure `error` (ERROR_USAGE) says what is allowed; the question is no longer
 * to be used then. The order is given last, for it names what rows have. */

/* "1 week", "tumbling 15 minutes", "hopping 1 hour every 5 minutes"; words may be joined by underscores. */
bool question_set_window(struct view_question *question, struct text text, struct error *error) MUST_CHECK;
/* "category,country"; empty: all groups of a window are one row. Rows have the dimensions in the view's order. */
bool question_set_group_by(struct view_question *question, struct text text, struct error *error) MUST_CHECK;
/* "-total_revenue,category": measures, dimensions of the rows, or window_start; "-" descends. */
bool question_set_order(struct view_question *question, struct text text, struct error *error) MUST_CHECK;
/* 1 or more. */
bool question_set_per_window(struct view_question *question, struct text text, struct error *error) MUST_CHECK;

#endif
