/* SPDX-License-Identifier: Apache-2.0
 * What the order index keeps of a version, in few bytes: which conditions were true of it, and the fields that views
 * add, which is all that taking it back needs. Fields that only conditions read are left out.
 *
 * Numbers are in 7 bits a byte, as LEB128: what was judged, a bit for each field that is null, then the other fields, a
 * number or a text's length and its bytes. */
#ifndef TIDEMARK_SPEED_VERSION_CODEC_H
#define TIDEMARK_SPEED_VERSION_CODEC_H

#include "view/view.h"

struct kept_field {
    uint8_t number;
    bool is_text;
};

struct version_codec {
    bool replaces; /* else nothing is taken back, and nothing kept */
    size_t field_count;
    struct kept_field fields[FIELDS_MAX];
};

void version_codec_init(struct version_codec *codec, const struct source *source);
/* Bytes that it takes at most. */
size_t version_bound(const struct version_codec *codec, const struct value values[]);
/* `judged` are bits as of conditions_judge. Returns the end. */
char *version_write(const struct version_codec *codec, const struct value values[], uint64_t judged, char *at);
/* Texts point into the bytes; fields that weren't kept stay as they are. Returns the end. */
const char *version_read(const struct version_codec *codec, const char *at, struct value ret_values[],
                         uint64_t *ret_judged);

#define NUMBER_BYTES 10 /* the longest */

static inline char *put_number(char *at, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *at++ = (char)(number | 0x80);
    *at++ = (char)number;
    return at;
}

static inline const char *take_number(const char *at, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char byte = (unsigned char)*at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    *ret_number = number;
    return at;
}

/* Small amounts of either sign take few bytes. */
static inline uint64_t zigzag(int64_t number)
{
    return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

static inline int64_t unzigzag(uint64_t number)
{
    return (int64_t)(number >> 1 ^ (0 - (number & 1)));
}

#endif
