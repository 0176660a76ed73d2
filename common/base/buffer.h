/* SPDX-License-Identifier: Apache-2.0
 * A growing run of bytes. An allocation that fails makes the buffer `failed`: further appends do nothing, and whoever
 * uses the result looks at `failed` once, at the end. The bytes are always followed by a NUL that isn't counted. */
#ifndef TIDEMARK_BASE_BUFFER_H
#define TIDEMARK_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct buffer {
    char *data; /* NULL until something is appended */
    size_t length;
    size_t capacity;
    bool failed;
};

void buffer_clean_up(struct buffer *buffer); /* frees; the buffer is empty and usable again */
void buffer_clear(struct buffer *buffer);    /* length 0, memory kept, `failed` reset */

/* Room for `more` bytes at data + length; false where memory is short. */
bool buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_append_text(struct buffer *buffer, struct text text);
void buffer_append_string(struct buffer *buffer, const char *string);
void buffer_append_char(struct buffer *buffer, char character);
void buffer_append_integer(struct buffer *buffer, int64_t number);
/* From 0 to 9999, with zeros in front up to so many digits, at most 4. */
void buffer_append_padded(struct buffer *buffer, int number, unsigned digits);
void buffer_appendf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define INTEGER_DIGITS 20 /* of the longest number, with its sign */
/* Writes a number of up to INTEGER_DIGITS bytes, without a NUL; returns its end. */
char *integer_write(char *at, int64_t number);

/* `text` between two quotes, and each quote in it twice, as SQL and CSV spell it. */
void buffer_append_quoted(struct buffer *buffer, struct text text, char quote);

/* `text` as a JSON string with its quotes. Control characters, quote and backslash are escaped; other bytes pass. */
void buffer_append_json(struct buffer *buffer, struct text text);

/* The contents; "" where nothing was appended. Valid until the next append. */
const char *buffer_string(const struct buffer *buffer);
struct text buffer_text(const struct buffer *buffer);

#endif
