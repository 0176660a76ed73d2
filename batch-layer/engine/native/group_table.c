/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/group_table.h"

#include "engine/duckdb/summary_table.h"

#define TEXTS "tm_groups" /* the same with measures as text, exactly their digits */

static const struct field *field_of(const struct view *view, size_t number)
{
    return &view->schema->fields[number];
}

static bool make_texts(struct duckdb_session *session, const struct view *view, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "CREATE TEMP TABLE " TEXTS " (");
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct field *field = field_of(view, view->dimensions[i]);
        duckdb_append_identifier(&sql, field->name);
        buffer_append_string(&sql, field->type == FIELD_TEXT ? " VARCHAR, " : " BIGINT, ");
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(&sql, i ? ", " : "");
        duckdb_append_identifier(&sql, view->measures[i].name);
        buffer_append_string(&sql, " VARCHAR");
    }
    buffer_append_string(&sql, ")");
    bool done = duckdb_session_execute_buffer(session, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static bool is_integer(const struct view *view, const struct measure *measure)
{
    switch (measure->kind) {
    case MEASURE_COUNT:
    case MEASURE_UNIQUE:
        return true;
    case MEASURE_SUM:
    case MEASURE_AVERAGE:
        return false;
    case MEASURE_MINIMUM:
    case MEASURE_MAXIMUM:
        return field_of(view, measure->field)->type == FIELD_INTEGER;
    }
    return false;
}

static bool make_typed(struct duckdb_session *session, const struct view *view, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "CREATE TEMP TABLE " SUMMARY_TABLE " AS SELECT ");
    for (size_t i = 0; i < view->dimension_count; i++) {
        duckdb_append_identifier(&sql, field_of(view, view->dimensions[i])->name);
        buffer_append_string(&sql, ", ");
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        buffer_append_string(&sql, i ? ", " : "");
        duckdb_append_identifier(&sql, measure->name);
        if (is_integer(view, measure))
            buffer_append_string(&sql, "::BIGINT AS ");
        else
            buffer_appendf(&sql, "::DECIMAL(38, %u) AS ", field_of(view, measure->field)->scale);
        duckdb_append_identifier(&sql, measure->name);
    }
    buffer_append_string(&sql, " FROM " TEXTS);
    bool done = duckdb_session_execute_buffer(session, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static void add_measure(struct duckdb_appender *appender, const struct view *view, const struct measure *measure,
                        const struct cell *cell, struct buffer *text)
{
    buffer_clear(text);
    measure_append(view, measure, cell, text);
    if (measure_is_null(measure, cell))
        duckdb_appender_add_null(appender);
    else
        duckdb_appender_add_text(appender, buffer_text(text));
}

static bool add_row(struct duckdb_appender *appender, const struct view *view, const struct pane *pane,
                    struct buffer *text, struct error *error)
{
    struct value values[DIMENSIONS_MAX];
    if (!group_parse(view, pane->group, values))
        return error_set(error, ERROR_INTERNAL, "a group that isn't one");
    for (size_t i = 0; i < view->dimension_count; i++) {
        if (!values[i].present)
            duckdb_appender_add_null(appender);
        else if (field_of(view, view->dimensions[i])->type == FIELD_TEXT)
            duckdb_appender_add_text(appender, values[i].text);
        else
            duckdb_appender_add_integer(appender, values[i].number);
    }
    for (size_t i = 0; i < view->measure_count; i++)
        add_measure(appender, view, &view->measures[i], pane->cell, text);
    return duckdb_appender_end_row(appender, error);
}

static bool fill_texts(struct duckdb_session *session, const struct panes *groups, struct error *error)
{
    struct duckdb_appender *appender;
    struct buffer text = {0};
    if (!duckdb_appender_open(session, TEXTS, &appender, error))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < panes_count(groups); i++) {
        const struct pane pane = panes_get(groups, i);
        done = add_row(appender, groups->view, &pane, &text, error);
    }
    done = done && (!text.failed || error_set(error, ERROR_INTERNAL, "out of memory"));
    buffer_clean_up(&text);
    return duckdb_appender_close(appender, done ? error : NULL) && done;
}

bool group_table_make(struct duckdb_session *session, const struct panes *groups, struct error *error)
{
    return make_texts(session, groups->view, error) && fill_texts(session, groups, error) &&
           make_typed(session, groups->view, error);
}
