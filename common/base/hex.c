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

void hex_append(struct text bytes, struct buffer *out)
{
    for (size_t i = 0; i < bytes.length; i++)
        buffer_appendf(out, "%02x", (unsigned char)bytes.data[i]);
}
