/* SPDX-License-Identifier: Apache-2.0 */
#include "row_writer.h"

#include "base/zone.h"

void row_writer_init(struct row_writer *writer, const struct view *view, bool csv, struct buffer *out)
{
    *writer = (struct row_writer){.view = view, .csv = csv, .out = out};
}

void row_writer_clean_up(struct row_writer *writer)
{
    buffer_clean_up(&writer->window);
}

static const struct field *dimension(const struct view *view, size_t number)
{
    return &view->schema->fields[view->dimensions[number]];
}

void csv_header_append(const struct view *view, struct buffer *out)
{
    buffer_append_string(out, "window_start,window_end,");
    for (size_t i = 0; i < view->dimension_count; i++)
        buffer_appendf(out, "%s,", dimension(view, i)->name);
    for (size_t i = 0; i < view->measure_count; i++)
        buffer_appendf(out, "%s,", view->measures[i].name);
    buffer_append_string(out, "final\r\n");
}

/* Rows of a window come one after the other, so its times are printed once. */
static void append_window(struct row_writer *writer, const struct written_row *row)
{
    if (!writer->warm || writer->window_start_us != row->window_start_us ||
        writer->window_end_us != row->window_end_us) {
        const struct view *view = writer->view;
        buffer_clear(&writer->window);
        buffer_append_string(&writer->window, writer->csv ? "" : "{\"window_start\": \"");
        buffer_append_local_time(&writer->window, view->zone, row->window_start_us);
        buffer_append_string(&writer->window, writer->csv ? "," : "\", \"window_end\": \"");
        buffer_append_local_time(&writer->window, view->zone, row->window_end_us);
        buffer_append_string(&writer->window, writer->csv ? "," : "\"");
        writer->window_start_us = row->window_start_us;
        writer->window_end_us = row->window_end_us;
        writer->warm = true;
    }
    writer->out->failed = writer->out->failed || writer->window.failed;
    buffer_append_text(writer->out, buffer_text(&writer->window));
}

/* Null is an empty field, and empty text is "". */
static void append_csv_text(struct text text, struct buffer *out)
{
    bool quoted = text.length == 0;
    for (size_t i = 0; !quoted && i < text.length; i++)
        quoted = text.data[i] == '"' || text.data[i] == ',' || text.data[i] == '\r' || text.data[i] == '\n';
    if (quoted)
        buffer_append_quoted(out, text, '"');
    else
        buffer_append_text(out, text);
}

static void append_dimension(const struct row_writer *writer, size_t number, const struct value *value)
{
    if (!value->present)
        buffer_append_string(writer->out, writer->csv ? "" : "null");
    else if (dimension(writer->view, number)->type != FIELD_TEXT)
        buffer_append_integer(writer->out, value->number);
    else if (writer->csv)
        append_csv_text(value->text, writer->out);
    else
        buffer_append_json(writer->out, value->text);
}

static void append_measure(const struct row_writer *writer, const struct measure *measure, const struct cell *cell)
{
    if (!writer->csv || !measure_is_null(measure, cell))
        measure_append(writer->view, measure, cell, writer->out);
}

static void append_name(const struct row_writer *writer, const char *name)
{
    if (writer->csv)
        return;
    buffer_append_string(writer->out, ", \"");
    buffer_append_string(writer->out, name);
    buffer_append_string(writer->out, "\": ");
}

static void append_dimensions(const struct row_writer *writer, const struct written_row *row)
{
    for (size_t i = 0; i < writer->view->dimension_count; i++) {
        append_name(writer, dimension(writer->view, i)->name);
        append_dimension(writer, i, &row->dimensions[i]);
        if (writer->csv)
            buffer_append_char(writer->out, ',');
    }
}

void row_writer_write_name(struct row_writer *writer, const struct written_row *row)
{
    buffer_append_string(writer->out, "{\"window_start\": \"");
    buffer_append_local_time(writer->out, writer->view->zone, row->window_start_us);
    buffer_append_char(writer->out, '"');
    append_dimensions(writer, row);
    buffer_append_char(writer->out, '}');
}

void row_writer_write(struct row_writer *writer, const struct written_row *row)
{
    const struct view *view = writer->view;
    append_window(writer, row);
    append_dimensions(writer, row);
    for (size_t i = 0; i < view->measure_count; i++) {
        append_name(writer, view->measures[i].name);
        append_measure(writer, &view->measures[i], row->cell);
        if (writer->csv)
            buffer_append_char(writer->out, ',');
    }
    append_name(writer, "final");
    buffer_append_string(writer->out, row->final ? "true" : "false");
    buffer_append_string(writer->out, writer->csv ? "\r\n" : "}");
}
