/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

int hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

bool hex_parse(struct text digits, void *bytes)
{
    unsigned char *out = bytes;
    for (size_t i = 0; i + 1 < digits.length; i += 2) {
        int high = hex_digit(digits.data[i]), low = hex_digit(digits.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *out++ = (unsigned char)(high * 16 + low);
    }
    return digits.length % 2 == 0;
}

char *hex_write(struct text bytes, char *at)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.length; i++) {
        *at++ = digits[(unsigned char)bytes.data[i] / 16];
        *at++ = digits[(unsigned char)bytes.data[i] % 16];
    }
    return at;
}

void hex_append(struct text bytes, struct buffer *out)
{
    if (!buffer_reserve(out, 2 * bytes.length))
        return;
    char *end = hex_write(bytes, out->data + out->length);
    *end = '\0';
    out->length = (size_t)(end - out->data);
}
