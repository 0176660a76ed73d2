/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_string.h"

#include <stdint.h>
#include <string.h>

#include "base/hex.h"

#define NOT_HEX UINT32_MAX

/* The code unit of a \uXXXX that begins at `at`, or NOT_HEX where there is none. */
static uint32_t code_unit(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return NOT_HEX;
    }
    uint32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return NOT_HEX;
        }
        unit = unit << 4 | (uint32_t)digit;
    }
    return unit;
}

static char *write_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
        return out;
    }
    if (point < 0x800) {
        *out++ = (char)(0xC0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *out++ = (char)(0xE0 | point >> 12);
        } else {
            *out++ = (char)(0xF0 | point >> 18);
            *out++ = (char)(0x80 | (point >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (point >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (point & 0x3F));
    return out;
}

/* Reads the one or two \uXXXX of a character at *at and moves behind them; NOT_HEX where they are invalid. */
static uint32_t read_point(const char **at, const char *end, struct json_string_traits *traits)
{
    uint32_t unit = code_unit(*at, end);
    if (unit == NOT_HEX) {
        return NOT_HEX;
    }
    *at += 6;
    if (unit >= 0xD800 && unit < 0xDC00) {
        uint32_t low = code_unit(*at, end);
        if (low >= 0xDC00 && low < 0xE000) {
            *at += 6;
            return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    traits->lone_surrogate |= unit >= 0xD800 && unit < 0xE000;
    traits->nul |= unit == 0;
    return unit;
}

/* What the letter after a backslash stands for, or 0. */
static char short_escape(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

bool json_string_unescape(char *data, size_t *length, struct json_string_traits *traits)
{
    const char *at = data, *end = data + *length;
    char *out = data;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape ? escape : end) - at);
        memmove(out, at, plain);
        out += plain;
        at += plain;
        if (!escape) {
            break;
        }
        if (end - at < 2) {
            return false;
        }
        if (at[1] == 'u') {
            uint32_t point = read_point(&at, end, traits);
            if (point == NOT_HEX) {
                return false;
            }
            out = write_utf8(out, point);
        } else {
            *out = short_escape(at[1]);
            if (!*out++) {
                return false;
            }
            at += 2;
        }
    }
    *length = (size_t)(out - data);
    return true;
}
