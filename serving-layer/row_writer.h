/* SPDX-License-Identifier: Apache-2.0
 * One row as JSON or CSV: window_start, window_end, the dimensions, the measures as declared, final. */
#ifndef TIDEMARK_SERVING_ROW_WRITER_H
#define TIDEMARK_SERVING_ROW_WRITER_H

#include "view/view.h"

struct row_writer {
    const struct view *view;
    struct buffer *out;
    struct buffer window; /* the two times of the window, as they are written */
    int64_t window_start_us, window_end_us;
    bool csv, warm;
};

struct written_row {
    int64_t window_start_us, window_end_us;
    const struct value *dimensions;
    const struct cell *cell;
    bool final;
};

void row_writer_init(struct row_writer *writer, const struct view *view, bool csv, struct buffer *out);
void row_writer_clean_up(struct row_writer *writer);

/* The line of column names of CSV, with its line end. */
void csv_header_append(const struct view *view, struct buffer *out);

/* What names a row, in JSON: the start of its window, and its dimensions; the rest of `row` isn't looked at. */
void row_writer_write_name(struct row_writer *writer, const struct written_row *row);

/* CSV ends the row with CRLF (RFC 4180); JSON is an object without anything behind it. */
void row_writer_write(struct row_writer *writer, const struct written_row *row);

#endif
