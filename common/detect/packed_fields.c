/* SPDX-License-Identifier: Apache-2.0
 * A word that says by its bits which fields are there, a word a field (a number, or the length of a text), and the
 * texts. */
#include "detect/packed_fields.h"

#include <string.h>

size_t packed_fields_size(const struct schema *schema, const struct value values[])
{
    size_t size = (schema->field_count + 1) * sizeof(int64_t);
    for (size_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].type == FIELD_TEXT && values[i].present)
            size += values[i].text.length;
    return size;
}

void packed_fields_write(const struct schema *schema, const struct value values[], void *bytes)
{
    int64_t *words = bytes;
    char *texts = (char *)(words + schema->field_count + 1);
    uint64_t present = 0;
    for (size_t i = 0; i < schema->field_count; i++) {
        words[i + 1] = 0;
        if (!values[i].present)
            continue;
        present |= UINT64_C(1) << i;
        if (schema->fields[i].type != FIELD_TEXT) {
            words[i + 1] = values[i].number;
            continue;
        }
        words[i + 1] = (int64_t)values[i].text.length;
        if (values[i].text.length)
            memcpy(texts, values[i].text.data, values[i].text.length);
        texts += values[i].text.length;
    }
    memcpy(words, &present, sizeof present);
}

void packed_fields_read(const struct schema *schema, const void *bytes, struct value ret_values[])
{
    const int64_t *words = bytes;
    const char *texts = (const char *)(words + schema->field_count + 1);
    uint64_t present;
    memcpy(&present, words, sizeof present);
    for (size_t i = 0; i < schema->field_count; i++) {
        ret_values[i] = (struct value){.present = present >> i & 1};
        if (!ret_values[i].present)
            continue;
        if (schema->fields[i].type != FIELD_TEXT) {
            ret_values[i].number = words[i + 1];
            continue;
        }
        ret_values[i].text = (struct text){texts, (size_t)words[i + 1]};
        texts += words[i + 1];
    }
}
