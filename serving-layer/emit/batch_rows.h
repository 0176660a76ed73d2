/* SPDX-License-Identifier: Apache-2.0
 * The rows of a micro-batch, printed as the sink takes them. */
#ifndef TIDEMARK_EMIT_BATCH_ROWS_H
#define TIDEMARK_EMIT_BATCH_ROWS_H

#include "ports/sink_store.h"
#include "row_writer.h"
#include "selection.h"

struct batch_rows {
    enum row_form form;
    const struct view *view; /* what the rows are of */
    struct buffer texts;     /* of all rows, one after the other; `failed` where memory was short */
    struct row_writer writer;
    struct printed_row {
        size_t name, name_length, content_length; /* the content stands behind the name */
        bool is_there;
        struct row_version version;
    } * printed;
    size_t count, capacity;
    struct sink_row *rows; /* made by batch_rows_finish */
};

/* `view` outlives it, and it stays where it is. */
void batch_rows_init(struct batch_rows *rows, enum row_form form, const struct view *view);
void batch_rows_clean_up(struct batch_rows *rows);

/* Prints the row behind those that are kept, and gives its texts, which are valid until the next call; content.data is
 * NULL where the row has vanished. It isn't part of the micro-batch until it is kept. False where memory is short. */
bool batch_rows_print(struct batch_rows *rows, const struct selected_row *row, struct sink_row *ret_row) MUST_CHECK;
bool batch_rows_keep(struct batch_rows *rows, const struct sink_row *row, struct row_version version) MUST_CHECK;
/* Keeps that the row of this name, which isn't of these texts, has vanished. */
bool batch_rows_keep_vanished(struct batch_rows *rows, struct text name, struct row_version version) MUST_CHECK;

/* When the window of the row of this name starts; false where no emitter wrote the name. */
bool batch_rows_window_start(const struct batch_rows *rows, struct text name, int64_t *ret_start_us) MUST_CHECK;

/* The rows that were kept, valid until the clean-up. False where memory is short. */
bool batch_rows_finish(struct batch_rows *rows) MUST_CHECK;

#endif
