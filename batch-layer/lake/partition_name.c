/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/partition_name.h"

#include <limits.h>
#include <string.h>

/* What Hive and Spark encode; all other bytes stand as they are. */
static void append_encoded(struct buffer *path, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{[]^", c))
            buffer_appendf(path, "%%%02X", c);
        else
            buffer_append_char(path, (char)c);
    }
}

bool partition_name_append(struct buffer *path, const char *column, struct text value, struct error *error)
{
    size_t before = path->length;
    buffer_append_char(path, '/');
    append_encoded(path, text_of(column));
    buffer_append_char(path, '=');
    if (value.length == 0)
        buffer_append_string(path, PARTITION_WITHOUT_VALUE);
    append_encoded(path, value);
    if (path->failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return path->length - before - 1 <= NAME_MAX ||
           error_set(error, ERROR_DATA,
                     "a value of \"%s\" is too long for the name of a folder, %.40s…: leave it out of partition_by",
                     column, value.data);
}
