/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/connection.h"

void buffer_append_identifier(struct buffer *buffer, const char *name)
{
    buffer_append_quoted(buffer, text_of(name), '"');
}

void buffer_append_literal(struct buffer *buffer, struct text text)
{
    buffer_append_quoted(buffer, text, '\'');
}

static char escape_of(char character)
{
    switch (character) {
    case '\\':
        return '\\';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    default:
        return 0;
    }
}

void buffer_append_copy_text(struct buffer *buffer, struct text text)
{
    size_t done = 0;
    for (size_t i = 0; i < text.length; i++) {
        char escape = escape_of(text.data[i]);
        if (!escape)
            continue;
        buffer_append(buffer, text.data + done, i - done);
        buffer_append_char(buffer, '\\');
        buffer_append_char(buffer, escape);
        done = i + 1;
    }
    if (done < text.length)
        buffer_append(buffer, text.data + done, text.length - done);
}
