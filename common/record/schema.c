/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wide.h"
#include "record/record.h"

size_t schema_field(const struct schema *schema, struct text name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (text_equal(text_of(schema->fields[i].name), name)) {
            return i;
        }
    }
    return FIELD_NONE;
}

const char *schema_day_field(const struct schema *schema)
{
    static const char *const names[] = {"date", "timestamp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (schema_field(schema, text_of(names[i])) != FIELD_NONE)
            return names[i];
    return NULL;
}

void buffer_append_value(struct buffer *buffer, const struct field *field, const struct value *value)
{
    if (!value->present)
        buffer_append_string(buffer, "null");
    else if (field->type == FIELD_TEXT)
        buffer_append_json(buffer, value->text);
    else
        buffer_append_decimal(buffer, value->number, field->scale);
}
