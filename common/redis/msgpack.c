/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/msgpack.h"

enum { FIXED_STRING = 0xa0, STRING_8 = 0xd9, STRING_16 = 0xda, STRING_32 = 0xdb, ARRAY_32 = 0xdd };

static void put(unsigned char *into, uint32_t number, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; number >>= 8)
        into[i] = (unsigned char)(number & 0xff);
}

void msgpack_append_string(struct buffer *out, struct text string)
{
    unsigned char header[5] = {0};
    size_t bytes = string.length < 32 ? 0 : string.length <= UINT8_MAX ? 1 : string.length <= UINT16_MAX ? 2 : 4;
    if (string.length > UINT32_MAX) {
        out->failed = true;
        return;
    }
    header[0] = (unsigned char)(bytes == 0   ? FIXED_STRING + string.length
                                : bytes == 1 ? STRING_8
                                : bytes == 2 ? STRING_16
                                             : STRING_32);
    put(header + 1, (uint32_t)string.length, bytes);
    buffer_append(out, header, 1 + bytes);
    buffer_append(out, string.data, string.length);
}

size_t msgpack_begin_array(struct buffer *out)
{
    size_t place = out->length;
    buffer_append(out, "\0\0\0\0\0", 5);
    return place;
}

void msgpack_end_array(struct buffer *out, size_t place, uint32_t count)
{
    if (out->failed)
        return;
    unsigned char *header = (unsigned char *)out->data + place;
    header[0] = ARRAY_32;
    put(header + 1, count, 4);
}

/* The header's first byte and a length of `bytes` behind it. */
static bool take_length(struct text *from, size_t bytes, uint32_t *ret_length)
{
    if (from->length < 1 + bytes)
        return false;
    uint32_t length = 0;
    for (size_t i = 1; i <= bytes; i++)
        length = length << 8 | (unsigned char)from->data[i];
    *from = (struct text){from->data + 1 + bytes, from->length - 1 - bytes};
    *ret_length = length;
    return true;
}

bool msgpack_read_string(struct text *from, struct text *ret_string)
{
    unsigned first = from->length ? (unsigned char)from->data[0] : 0;
    uint32_t length = first & 0x1f;
    struct text rest = *from;
    uint32_t ignored;
    bool taken = (first & 0xe0) == FIXED_STRING ? take_length(&rest, 0, &ignored)
                 : first >= STRING_8 && first <= STRING_32
                     ? take_length(&rest, (size_t)1 << (first - STRING_8), &length)
                     : false;
    if (!taken || rest.length < length)
        return false;
    *ret_string = (struct text){rest.data, length};
    *from = (struct text){rest.data + length, rest.length - length};
    return true;
}

bool msgpack_read_array(struct text *from, uint32_t *ret_count)
{
    unsigned first = from->length ? (unsigned char)from->data[0] : 0;
    return first == ARRAY_32 && take_length(from, 4, ret_count);
}
