/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes_map.h"
#include "base/clock.h"
#include "base/timestamp.h"

#define COLUMNS_MAX (3 + DIMENSIONS_MAX + MEASURES_MAX)

struct console {
    struct sink_store store; /* first, so that one pointer is both */
    const struct view *view;
    size_t bytes_max;
    struct bytes_map rows; /* versions by name, as they were printed */
    struct buffer statement;
};

/* A column of the table: numbers stand with their points one below the other. */
struct console_column {
    const char *name;
    bool is_number;
    size_t before, behind; /* characters before the point or, in a text, of all; those from the point on */
};

struct console_table {
    const struct view *view;
    struct console_column columns[COLUMNS_MAX];
    size_t count;
};

/* The values of a row in the table's columns; those that it doesn't have are empty. */
struct console_line {
    struct text values[COLUMNS_MAX];
    char revision[24];
};

static size_t characters(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

static size_t before_point(struct text text)
{
    const char *point = text.length ? memchr(text.data, '.', text.length) : NULL;
    return point ? (size_t)(point - text.data) : text.length;
}

static void add_column(struct console_table *table, const char *name, bool is_number)
{
    table->columns[table->count++] = (struct console_column){.name = name, .is_number = is_number};
}

static void make_columns(struct console_table *table)
{
    const struct view *view = table->view;
    add_column(table, "window_start", false);
    add_column(table, "window_end", false);
    for (size_t i = 0; i < view->dimension_count; i++)
        add_column(table, view->schema->fields[view->dimensions[i]].name,
                   view->schema->fields[view->dimensions[i]].type != FIELD_TEXT);
    for (size_t i = 0; i < view->measure_count; i++)
        add_column(table, view->measures[i].name, true);
    add_column(table, "final", false);
}

/* Takes the text before the next tab. */
static struct text take_value(struct text *rest)
{
    const char *tab = rest->length ? memchr(rest->data, '\t', rest->length) : NULL;
    struct text value = {rest->data, tab ? (size_t)(tab - rest->data) : rest->length};
    size_t taken = value.length + (tab != NULL);
    *rest = (struct text){rest->data + taken, rest->length - taken};
    return text_equal(value, text_of("\\N")) ? text_of("null") : value;
}

static struct text last_value(const struct sink_row *row, struct text final, struct console_line *line)
{
    if (!row->content.data)
        return text_of("removed");
    if (row->version.revision < 2)
        return text_equal(final, text_of("t")) ? text_of("true") : text_of("false");
    snprintf(line->revision, sizeof line->revision, "revision %u", row->version.revision);
    return text_of(line->revision);
}

static void fill_line(const struct console_table *table, const struct sink_row *row, struct console_line *line)
{
    *line = (struct console_line){0};
    struct text rest = row->content.data ? row->content : row->name;
    size_t last = table->count - 1;
    for (size_t i = 0; i < (row->content.data ? table->count : 2 + table->view->dimension_count); i++)
        if (row->content.data || i != 1)
            line->values[i] = take_value(&rest);
    line->values[last] = last_value(row, line->values[last], line);
}

static void widen(struct console_column *column, struct text value)
{
    size_t before = column->is_number ? before_point(value) : characters(value);
    size_t behind = column->is_number ? value.length - before : 0;
    column->before = before > column->before ? before : column->before;
    column->behind = behind > column->behind ? behind : column->behind;
}

static void append_blanks(size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++)
        buffer_append_char(out, ' ');
}

static void append_value(const struct console_column *column, struct text value, bool is_number, bool is_last,
                         struct buffer *out)
{
    size_t before = is_number ? before_point(value) : characters(value);
    size_t behind = is_number ? value.length - before : 0;
    size_t width = column->before + column->behind;
    if (is_number)
        append_blanks(column->before - before, out);
    else if (column->is_number) /* the name of a column of numbers */
        append_blanks(width - before, out);
    buffer_append_text(out, value);
    if (is_last)
        buffer_append_char(out, '\n');
    else
        append_blanks(2 + (is_number ? column->behind - behind : column->is_number ? 0 : width - before), out);
}

static void append_line(const struct console_table *table, const struct console_line *line, bool is_heading,
                        struct buffer *out)
{
    for (size_t i = 0; i < table->count; i++)
        append_value(&table->columns[i], line->values[i], table->columns[i].is_number && !is_heading,
                     i + 1 == table->count, out);
}

static void append_table(const struct console_table *measured, const struct micro_batch *batch, struct buffer *out)
{
    struct console_line heading = {0};
    for (size_t i = 0; i < measured->count; i++)
        heading.values[i] = text_of(measured->columns[i].name);
    append_line(measured, &heading, true, out);
    for (size_t i = 0; i < batch->count; i++) {
        struct console_line line;
        fill_line(measured, &batch->rows[i], &line);
        append_line(measured, &line, false, out);
    }
}

/* As the statement has it, where the view has one. */
static void append_watermark(struct text statement, struct buffer *out)
{
    static const char name[] = "\"watermark\": ";
    const char *found = memmem(statement.data, statement.length, name, sizeof name - 1);
    if (!found)
        return;
    struct text value = {found + sizeof name - 1,
                         (size_t)(statement.data + statement.length - found) - sizeof name + 1};
    buffer_append_string(out, ", watermark ");
    for (size_t i = 0; i < value.length && !strchr(",}", value.data[i]); i++)
        if (value.data[i] != '"')
            buffer_append_char(out, value.data[i]);
}

void console_append(const struct view *view, const struct micro_batch *batch, int64_t now_us, struct buffer *out)
{
    struct console_table table = {.view = view};
    bool complete = memmem(batch->statement.data, batch->statement.length, "\"complete\": true", 16) != NULL;
    make_columns(&table);
    for (size_t i = 0; i < batch->count; i++) {
        struct console_line line;
        fill_line(&table, &batch->rows[i], &line);
        for (size_t j = 0; j < table.count; j++)
            widen(&table.columns[j], line.values[j]);
    }
    for (size_t j = 0; j < table.count; j++) {
        struct console_column *column = &table.columns[j];
        size_t name = strlen(column->name);
        if (name > column->before + column->behind)
            column->before = name - column->behind;
    }
    buffer_appendf(out, "-- %s, micro-batch %lld, ", view->name, (long long)batch->number);
    buffer_append_timestamp(out, now_us);
    append_watermark(batch->statement, out);
    buffer_appendf(out, ", %s, %zu %s\n", complete ? "complete" : "lacks deferred messages", batch->count,
                   batch->count == 1 ? "row" : "rows");
    if (batch->count > 0)
        append_table(&table, batch, out);
    buffer_append_char(out, '\n');
}

/* --- what was printed --- */

static struct console *of(struct sink_store *store)
{
    return (struct console *)store;
}

static bool is_remembered(const struct row_version *version)
{
    return !version->is_gone || version->revision > 0;
}

static bool forget_half(struct console *console)
{
    struct bytes_map kept;
    bool done = true;
    bytes_map_init(&kept, sizeof(struct row_version));
    for (size_t i = console->rows.count / 2; done && i < console->rows.count; i++) {
        const struct bytes_map_entry *entry = &console->rows.entries[i];
        struct row_version *version = is_remembered(entry->value) ? bytes_map_at(&kept, entry->key) : NULL;
        done = version || !is_remembered(entry->value);
        if (version)
            *version = *(const struct row_version *)entry->value;
    }
    if (!done) {
        bytes_map_clean_up(&kept);
        return false;
    }
    bytes_map_clean_up(&console->rows);
    console->rows = kept;
    return true;
}

static bool remember(struct console *console, const struct micro_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct row_version *version = bytes_map_at(&console->rows, batch->rows[i].name);
        if (!version)
            return false;
        *version = batch->rows[i].version;
    }
    buffer_clear(&console->statement);
    buffer_append_text(&console->statement, batch->statement);
    return !console->statement.failed &&
           (bytes_map_memory(&console->rows) <= console->bytes_max || forget_half(console));
}

/* --- the store --- */

static bool open_console(struct sink_store *store, bool restarts, struct buffer *ret_statement, struct error *error)
{
    (void)restarts, (void)error;
    buffer_append_text(ret_statement, buffer_text(&of(store)->statement));
    return true;
}

static bool list(struct sink_store *store, held_row_take *take, void *context, struct error *error)
{
    const struct bytes_map *rows = &of(store)->rows;
    for (size_t i = 0; i < rows->count; i++) {
        const struct row_version *version = rows->entries[i].value;
        if (is_remembered(version) && !take(context, rows->entries[i].key, *version))
            return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    return true;
}

static bool has(struct sink_store *store, struct text statement, bool *ret_has, struct error *error)
{
    (void)store, (void)statement, (void)error;
    *ret_has = true;
    return true;
}

static bool write_out(struct sink_store *store, const struct micro_batch *batch, struct error *error)
{
    struct console *console = of(store);
    struct buffer out = {0};
    console_append(console->view, batch, clock_wall_us(), &out);
    bool is_printed = !out.failed && fwrite(out.data, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
    if (!is_printed)
        error_set(error, ERROR_INTERNAL, "standard output can't be written: %s",
                  out.failed ? "out of memory" : strerror(errno));
    buffer_clean_up(&out);
    return is_printed && (remember(console, batch) || error_set(error, ERROR_INTERNAL, "out of memory"));
}

static void destroy(struct sink_store *store)
{
    struct console *console = of(store);
    bytes_map_clean_up(&console->rows);
    buffer_clean_up(&console->statement);
    free(console);
}

bool console_open(const struct view *view, size_t bytes_max, struct sink_store **ret_store, struct error *error)
{
    static const struct sink_store_operations operations = {
        .open = open_console, .list = list, .has = has, .write = write_out, .destroy = destroy};
    struct console *console = calloc(1, sizeof *console);
    if (!console)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    console->store = (struct sink_store){
        .operations = &operations, .form = ROW_LOCAL_COLUMNS, .needs_rows = true, .is_mended = true};
    console->view = view;
    console->bytes_max = bytes_max;
    bytes_map_init(&console->rows, sizeof(struct row_version));
    *ret_store = &console->store;
    return true;
}
