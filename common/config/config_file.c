/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_file.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static struct text without_byte_order_mark(struct text text)
{
    if (text.length >= 3 && memcmp(text.data, BYTE_ORDER_MARK, 3) == 0)
        return (struct text){text.data + 3, text.length - 3};
    return text;
}

bool config_file_read(const char *path, struct arena *arena, struct text *ret_text, struct error *error)
{
    struct buffer bytes = {0};
    int failure = file_read(path, CONFIG_FILE_MAX + 1, &bytes);
    bool fine = false;
    if (failure == ENOMEM) {
        error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    } else if (failure) {
        error_set(error, ERROR_CONFIGURATION, "%s: %s", path, strerror(failure));
    } else if (bytes.length > CONFIG_FILE_MAX) {
        error_set(error, ERROR_CONFIGURATION, "%s: the file is longer than 1 MiB", path);
    } else {
        struct text text = without_byte_order_mark((struct text){bytes.data, bytes.length});
        char *copy = arena_copy(arena, text);
        fine = copy != NULL;
        if (fine)
            *ret_text = (struct text){copy, text.length};
        else
            error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    }
    buffer_clean_up(&bytes);
    return fine;
}

bool secret_file_read(const char *path, struct arena *arena, const char **ret_secret, const char **ret_reason)
{
    struct buffer bytes = {0};
    int failure = file_read(path, SECRET_MAX + 2, &bytes);
    size_t length = 0;
    while (length < bytes.length && bytes.data[length] != '\n')
        length++;
    if (length > 0 && bytes.data[length - 1] == '\r')
        length--;
    const char *reason = NULL, *copy = NULL;
    if (failure)
        reason = failure == ENOMEM ? NULL : strerror(failure);
    else if (length == 0)
        reason = "its first line is empty";
    else if (length > SECRET_MAX)
        reason = "its first line is longer than 4096 bytes";
    else if (memchr(bytes.data, '\0', length))
        reason = "it holds a NUL";
    else
        copy = arena_copy(arena, (struct text){bytes.data, length});
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.length);
    buffer_clean_up(&bytes);
    if (copy)
        *ret_secret = copy;
    else
        *ret_reason = reason;
    return copy != NULL;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

size_t utf8_count(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += !is_continuation(text.data[i]);
    return count;
}

/* What YAML doesn't allow: control characters of ASCII and of Latin-1 (but the next-line character). */
static bool is_control(const char *at, size_t length)
{
    unsigned char first = (unsigned char)at[0];
    if (length == 1)
        return (first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7F;
    return length == 2 && first == 0xC2 && (unsigned char)at[1] < 0xA0 && (unsigned char)at[1] != 0x85;
}

bool config_text_check(struct text text, struct problems *problems)
{
    struct location location = {1, 1};
    while (text.length > 0) {
        size_t length = utf8_length(text);
        if (length == 0) {
            problem_add(problems, location, "the file is not UTF-8: byte 0x%02X", (unsigned char)text.data[0]);
            return false;
        }
        if (is_control(text.data, length)) {
            problem_add(problems, location, "a control character, byte 0x%02X", (unsigned char)text.data[length - 1]);
            return false;
        }
        if (length == 3 && memcmp(text.data, BYTE_ORDER_MARK, 3) == 0) {
            problem_add(problems, location, "a byte-order mark that isn't at the beginning of the file");
            return false;
        }
        bool ends_line = text.data[0] == '\n' || (text.data[0] == '\r' && !(text.length > 1 && text.data[1] == '\n'));
        location =
            ends_line ? (struct location){location.line + 1, 1} : (struct location){location.line, location.column + 1};
        text.data += length;
        text.length -= length;
    }
    return true;
}
