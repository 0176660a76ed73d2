/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/batch_rows.h"

#include <stdlib.h>

#include "base/zone.h"
#include "postgres/connection.h"

#define NULL_COLUMN "\\N"

void batch_rows_init(struct batch_rows *rows, enum row_form form, const struct view *view)
{
    *rows = (struct batch_rows){.form = form, .view = view};
    row_writer_init(&rows->writer, view, false, &rows->texts);
}

void batch_rows_clean_up(struct batch_rows *rows)
{
    row_writer_clean_up(&rows->writer);
    buffer_clean_up(&rows->texts);
    free(rows->printed);
    free(rows->rows);
    *rows = (struct batch_rows){0};
}

/* --- lines of columns --- */

static void append_time(const struct batch_rows *rows, int64_t at_us, struct buffer *out)
{
    if (rows->form == ROW_LOCAL_COLUMNS)
        buffer_append_local_time(out, rows->view->zone, at_us);
    else
        buffer_append_integer(out, at_us);
}

static void append_dimensions(const struct view *view, const struct value dimensions[], struct buffer *out)
{
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_char(out, '\t');
        if (!dimensions[i].present)
            buffer_append_string(out, NULL_COLUMN);
        else if (view->schema->fields[view->dimensions[i]].type == FIELD_TEXT)
            buffer_append_copy_text(out, dimensions[i].text);
        else
            buffer_append_integer(out, dimensions[i].number);
    }
}

static void append_name_columns(const struct batch_rows *rows, const struct written_row *row, struct buffer *out)
{
    append_time(rows, row->window_start_us, out);
    append_dimensions(rows->view, row->dimensions, out);
}

static void append_columns(const struct batch_rows *rows, const struct written_row *row, struct buffer *out)
{
    const struct view *view = rows->view;
    append_time(rows, row->window_start_us, out);
    buffer_append_char(out, '\t');
    append_time(rows, row->window_end_us, out);
    append_dimensions(view, row->dimensions, out);
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_char(out, '\t');
        if (measure_is_null(&view->measures[i], row->cell))
            buffer_append_string(out, NULL_COLUMN);
        else
            measure_append(view, &view->measures[i], row->cell, out);
    }
    buffer_append_string(out, row->final ? "\tt" : "\tf");
}

/* --- rows --- */

static bool append_name(struct batch_rows *rows, const struct written_row *row)
{
    if (rows->form == ROW_JSON)
        row_writer_write_name(&rows->writer, row);
    else
        append_name_columns(rows, row, &rows->texts);
    return !rows->texts.failed;
}

static bool append_content(struct batch_rows *rows, const struct written_row *row)
{
    if (rows->form == ROW_JSON)
        row_writer_write(&rows->writer, row);
    else
        append_columns(rows, row, &rows->texts);
    return !rows->texts.failed;
}

/* Where the texts of the rows that are kept end. */
static size_t kept_length(const struct batch_rows *rows)
{
    if (rows->count == 0)
        return 0;
    const struct printed_row *last = &rows->printed[rows->count - 1];
    return last->name + last->name_length + last->content_length;
}

bool batch_rows_print(struct batch_rows *rows, const struct selected_row *row, struct sink_row *ret_row)
{
    struct value dimensions[DIMENSIONS_MAX];
    size_t name = kept_length(rows);
    if (rows->texts.failed)
        return false;
    if (!buffer_reserve(&rows->texts, 1) || !group_parse(rows->view, row->group, dimensions))
        return false;
    rows->texts.length = name;
    const struct written_row written = {row->start_us, row->end_us, dimensions, row->cell, row->final};
    if (!append_name(rows, &written))
        return false;
    size_t content = rows->texts.length;
    if (row->cell && !append_content(rows, &written))
        return false;
    *ret_row = (struct sink_row){.name = {rows->texts.data + name, content - name}};
    if (row->cell)
        ret_row->content = (struct text){rows->texts.data + content, rows->texts.length - content};
    return true;
}

static bool keep(struct batch_rows *rows, size_t name_length, size_t content_length, bool is_there)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
        struct printed_row *printed = realloc(rows->printed, capacity * sizeof *printed);
        if (!printed)
            return false;
        rows->printed = printed;
        rows->capacity = capacity;
    }
    rows->printed[rows->count] = (struct printed_row){kept_length(rows), name_length, content_length, is_there};
    rows->count++;
    return true;
}

bool batch_rows_keep(struct batch_rows *rows, const struct sink_row *row)
{
    return keep(rows, row->name.length, row->content.length, row->content.data != NULL);
}

bool batch_rows_keep_vanished(struct batch_rows *rows, struct text name)
{
    rows->texts.length = kept_length(rows);
    buffer_append_text(&rows->texts, name);
    return !rows->texts.failed && keep(rows, name.length, 0, false);
}

bool batch_rows_finish(struct batch_rows *rows)
{
    rows->rows = calloc(rows->count + 1, sizeof *rows->rows);
    if (!rows->rows)
        return false;
    for (size_t i = 0; i < rows->count; i++) {
        const struct printed_row *printed = &rows->printed[i];
        const char *name = rows->texts.data + printed->name;
        rows->rows[i].name = (struct text){name, printed->name_length};
        if (printed->is_there)
            rows->rows[i].content = (struct text){name + printed->name_length, printed->content_length};
    }
    return true;
}
