/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buffer_clean_up(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed)
        return false;
    if (more < buffer->capacity - buffer->length)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity - buffer->length <= more) {
        if (capacity > SIZE_MAX / 2) {
            buffer->failed = true;
            return false;
        }
        capacity *= 2;
    }
    char *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (!buffer_reserve(buffer, length))
        return;
    if (length)
        memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, struct text text)
{
    buffer_append(buffer, text.data, text.length);
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

void buffer_append_char(struct buffer *buffer, char character)
{
    buffer_append(buffer, &character, 1);
}

void buffer_append_quoted(struct buffer *buffer, struct text text, char quote)
{
    buffer_append_char(buffer, quote);
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == quote)
            buffer_append_char(buffer, quote);
        buffer_append_char(buffer, text.data[i]);
    }
    buffer_append_char(buffer, quote);
}

void buffer_append_padded(struct buffer *buffer, int number, unsigned digits)
{
    char text[4];
    for (unsigned at = digits; at-- > 0; number /= 10)
        text[at] = (char)('0' + number % 10);
    buffer_append(buffer, text, digits);
}

char *integer_write(char *at, int64_t number)
{
    if (number >= 0 && number <= 9) {
        *at++ = (char)('0' + number);
        return at;
    }
    char digits[INTEGER_DIGITS], *first = digits + sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        *--first = '-';
    size_t length = (size_t)(digits + sizeof digits - first);
    memcpy(at, first, length);
    return at + length;
}

void buffer_append_integer(struct buffer *buffer, int64_t number)
{
    char digits[INTEGER_DIGITS];
    buffer_append(buffer, digits, (size_t)(integer_write(digits, number) - digits));
}

void buffer_appendf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        buffer->failed = true;
    else if (buffer_reserve(buffer, (size_t)length)) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

static void append_json_character(struct buffer *buffer, unsigned char character)
{
    static const char escapes[][2] = {{'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
        if (character == (unsigned char)escapes[i][0]) {
            buffer_append_char(buffer, '\\');
            buffer_append_char(buffer, escapes[i][1]);
            return;
        }
    buffer_appendf(buffer, "\\u%04x", character);
}

void buffer_append_json(struct buffer *buffer, struct text text)
{
    buffer_append_char(buffer, '"');
    size_t plain = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char character = (unsigned char)text.data[i];
        if (character >= 0x20 && character != '"' && character != '\\' && character != 0x7f)
            continue;
        buffer_append(buffer, text.data + plain, i - plain);
        append_json_character(buffer, character);
        plain = i + 1;
    }
    if (text.length > plain)
        buffer_append(buffer, text.data + plain, text.length - plain);
    buffer_append_char(buffer, '"');
}

const char *buffer_string(const struct buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

struct text buffer_text(const struct buffer *buffer)
{
    return (struct text){buffer_string(buffer), buffer->length};
}
