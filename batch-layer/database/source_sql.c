/* SPDX-License-Identifier: Apache-2.0 */
#include "database/source_sql.h"

#include <stdio.h>

static void append_table(struct buffer *sql, const char *schema, const char *prefix, const char *name)
{
    char table[64 + NAME_MAX_BYTES];
    snprintf(table, sizeof table, "%s%s", prefix, name);
    buffer_append_string(sql, schema);
    buffer_append_char(sql, '.');
    buffer_append_identifier(sql, table);
}

void append_raw_table(struct buffer *sql, const struct source *source)
{
    append_table(sql, "raw", "", source->name);
}

void append_index_name(struct buffer *sql, const char *prefix, const char *table, const char *suffix)
{
    char name[64 + NAME_MAX_BYTES];
    snprintf(name, sizeof name, "%s%s.%s", prefix, table, suffix);
    buffer_append_identifier(sql, name);
}

void append_field_type(struct buffer *sql, const struct field *field)
{
    if (field->type == FIELD_DECIMAL)
        buffer_appendf(sql, "numeric(18,%u)", field->scale);
    else
        buffer_append_string(sql, field->type == FIELD_TEXT ? "text" : "bigint");
}

void append_field_names(struct buffer *sql, const struct schema *schema, const char *prefix)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_string(sql, prefix);
        buffer_append_identifier(sql, schema->fields[i].name);
    }
}
