/* SPDX-License-Identifier: Apache-2.0
 * What is asked of a view: range, filters, other windows and groups, format and page. */
#ifndef TIDEMARK_SERVING_VIEW_QUERY_H
#define TIDEMARK_SERVING_VIEW_QUERY_H

#include "http/target.h"
#include "state/cell_total.h"
#include "view/rollup.h"

#define LIMIT_MAX 100000

enum answer_format { FORMAT_JSON, FORMAT_CSV, FORMAT_NDJSON };

struct filter {
    bool given;
    struct value value; /* not present: null is asked for */
};

struct view_query {
    const struct view *view;
    bool has_from;          /* else from the oldest window kept */
    int64_t from_us, to_us; /* from <= window_start < to */
    size_t limit;
    enum answer_format format;
    struct filter filters[DIMENSIONS_MAX];
    struct view_question question;
    bool has_cursor; /* rows after this one */
    int64_t cursor_start_us;
    struct text cursor_group;
    struct cell_total cursor_cell; /* where the question isn't plain */
};

/* `accept` is the header of that name, or NULL. The query's texts live as long as the arena and the target. */
bool view_query_parse(const struct view *view, const struct target *target, const char *accept, struct arena *arena,
                      struct view_query *ret_query, struct problem *problem) MUST_CHECK;

/* The same of a stream of events, which is JSON, has no order, no pages, and nothing behind its last row. */
bool view_query_parse_stream(const struct view *view, const struct target *target, struct arena *arena,
                             struct view_query *ret_query, struct problem *problem) MUST_CHECK;

/* Whether a group passes the filters: one of the query's view, or of another that has its dimensions first. */
bool view_query_takes(const struct view_query *query, const struct view *view, struct text group);

/* The cursor of a row: opaque to those who ask. */
void cursor_append(int64_t window_start_us, struct text group, struct buffer *out);
/* Of a row of a question that isn't plain: with its values, by which rows may be ordered. */
void cursor_append_rolled(const struct view_query *query, const struct rollup_row *row, struct buffer *out);

#endif
