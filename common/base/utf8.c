/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

size_t utf8_length(struct text text)
{
    if (text.length == 0)
        return 0;
    unsigned char first = (unsigned char)text.data[0];
    size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length == 0 || length > text.length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_continuation(text.data[i]))
            return 0;
    unsigned char second = length > 1 ? (unsigned char)text.data[1] : 0;
    bool is_bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) /* a surrogate */
                  || (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return is_bad ? 0 : length;
}

static struct text behind(struct text text, size_t length)
{
    return (struct text){text.data + length, text.length - length};
}

bool utf8_is_valid(struct text text)
{
    while (text.length > 0) {
        size_t length = utf8_length(text);
        if (length == 0)
            return false;
        text = behind(text, length);
    }
    return true;
}

#define REPLACEMENT "\xEF\xBF\xBD"

void utf8_append_json(struct buffer *out, struct text text)
{
    struct buffer mended = {0};
    if (utf8_is_valid(text)) {
        buffer_append_json(out, text);
        return;
    }
    while (text.length > 0) {
        size_t length = utf8_length(text);
        if (length > 0)
            buffer_append(&mended, text.data, length);
        else
            buffer_append_string(&mended, REPLACEMENT);
        text = behind(text, length ? length : 1);
    }
    buffer_append_json(out, buffer_text(&mended));
    out->failed = out->failed || mended.failed;
    buffer_clean_up(&mended);
}
