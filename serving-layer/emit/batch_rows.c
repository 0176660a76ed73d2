/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/batch_rows.h"

#include <stdlib.h>

#include "base/zone.h"
#include "config/words.h"
#include "postgres/connection.h"
#include "record/event_time.h"

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

static bool keep(struct batch_rows *rows, const struct printed_row *printed)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
        struct printed_row *larger = realloc(rows->printed, capacity * sizeof *larger);
        if (!larger)
            return false;
        rows->printed = larger;
        rows->capacity = capacity;
    }
    rows->printed[rows->count++] = *printed;
    return true;
}

/* Content that says which revision it is: where it vanished that is its name, in JSON. */
static void append_version(struct batch_rows *rows, struct printed_row *printed)
{
    if (rows->form != ROW_JSON || printed->version.revision == 0)
        return;
    if (!printed->is_there && buffer_reserve(&rows->texts, printed->name_length))
        buffer_append(&rows->texts, rows->texts.data + printed->name, printed->name_length);
    row_version_append(printed->version, &rows->texts);
    printed->content_length = rows->texts.length - printed->name - printed->name_length;
    printed->is_there = true;
}

bool batch_rows_keep(struct batch_rows *rows, const struct sink_row *row, struct row_version version)
{
    struct printed_row printed = {kept_length(rows), row->name.length, row->content.length, row->content.data != NULL,
                                  version};
    append_version(rows, &printed);
    return !rows->texts.failed && keep(rows, &printed);
}

bool batch_rows_keep_vanished(struct batch_rows *rows, struct text name, struct row_version version)
{
    rows->texts.length = kept_length(rows);
    buffer_append_text(&rows->texts, name);
    return !rows->texts.failed && batch_rows_keep(rows, &(struct sink_row){.name = name}, version);
}

bool batch_rows_window_start(const struct batch_rows *rows, struct text name, int64_t *ret_start_us)
{
    static const char before[] = "{\"window_start\": \"";
    struct text rest = name;
    bool is_json = rows->form == ROW_JSON;
    if (is_json && !text_after(name, before, &rest))
        return false;
    struct text time = {rest.data, 0};
    while (time.length < rest.length && time.data[time.length] != (is_json ? '"' : '\t'))
        time.length++;
    return rfc3339_parse(time, ret_start_us);
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
        rows->rows[i].version = printed->version;
        if (printed->is_there)
            rows->rows[i].content = (struct text){name + printed->name_length, printed->content_length};
    }
    return true;
}
