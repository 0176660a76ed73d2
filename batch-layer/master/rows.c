/* SPDX-License-Identifier: Apache-2.0 */
#include "master/rows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "master/raw_sql.h"

struct master_rows {
    const struct schema *schema;
    PGresult *result;
    int row; /* the next one */
    struct record record;
    struct value values[FIELDS_MAX];
};

static bool query(struct master_rows *rows, struct batch *batch, const struct source *source, int32_t partition,
                  int64_t from, int64_t to, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "select ");
    append_raw_columns(&sql, source);
    buffer_append_string(&sql, " from ");
    append_messages(&sql, source);
    buffer_appendf(&sql,
                   " and tm_partition = %d and tm_offset >= %" PRId64 " and tm_offset < %" PRId64 " order by tm_offset",
                   (int)partition, from, to);
    bool done = batch_query(batch, &sql, &rows->result, error);
    buffer_clean_up(&sql);
    return done;
}

bool rows_read(struct batch *batch, const struct source *source, int32_t partition, int64_t from, int64_t to,
               struct master_rows **ret_rows, struct error *error)
{
    struct master_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    rows->schema = &source->schema;
    if (!query(rows, batch, source, partition, from, to, error)) {
        rows_destroy(rows);
        return false;
    }
    *ret_rows = rows;
    return true;
}

void rows_destroy(struct master_rows *rows)
{
    if (!rows)
        return;
    PQclear(rows->result);
    free(rows);
}

static bool parse_value(const struct field *field, struct text text, struct value *ret_value)
{
    if (field->type == FIELD_TEXT)
        ret_value->text = text;
    else if (field->type == FIELD_INTEGER)
        return integer_parse(text, &ret_value->number);
    else
        return decimal_parse(text, field->scale, &ret_value->number);
    return true;
}

/* Returns the field whose value isn't one; NULL where all are. */
static const char *parse_record(struct master_rows *rows, int row)
{
    const char *damaged = NULL;
    rows->record = (struct record){result_integer(rows->result, row, RAW_EVENT_TIME), rows->values};
    for (size_t i = 0; i < rows->schema->field_count; i++) {
        const struct field *field = &rows->schema->fields[i];
        int column = RAW_FIELDS + (int)i;
        struct value *value = &rows->values[i];
        *value = (struct value){.present = !PQgetisnull(rows->result, row, column)};
        if (value->present && !parse_value(field, result_text(rows->result, row, column), value))
            damaged = damaged ? damaged : field->name;
    }
    return damaged;
}

bool rows_next(struct master_rows *rows, struct master_row *ret_row)
{
    if (rows->row >= PQntuples(rows->result))
        return false;
    int row = rows->row++;
    bool has_time = !PQgetisnull(rows->result, row, RAW_RECORD_TIME);
    bool good = !PQgetisnull(rows->result, row, RAW_EVENT_TIME);
    *ret_row = (struct master_row){
        .offset = result_integer(rows->result, row, RAW_OFFSET),
        .record_time_us = has_time ? result_integer(rows->result, row, RAW_RECORD_TIME) : -1,
        .damaged_field = good ? parse_record(rows, row) : NULL,
        .record = good ? &rows->record : NULL,
    };
    return true;
}
