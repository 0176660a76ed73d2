/* SPDX-License-Identifier: Apache-2.0 */
#include "http/compress.h"

#include <limits.h>
#include <zlib.h>

#include "http/preference.h"

#define LEVEL 1               /* rows are so alike that the next ones save little and cost twice */
#define GZIP_WINDOW (15 + 16) /* zlib.h: 32 KiB, with gzip's head and tail */
#define MEMORY_LEVEL 8        /* zlib's default */

/* It has the capacity for all of it, and the library counts it in unsigned int. */
static bool deflate_whole(z_stream *stream, struct text plain, size_t capacity, struct buffer *out)
{
    stream->next_in = (Bytef *)(uintptr_t)plain.data;
    stream->avail_in = (unsigned)plain.length;
    stream->next_out = (Bytef *)out->data + out->length;
    stream->avail_out = (unsigned)capacity;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END)
        return false;
    out->length += capacity - stream->avail_out;
    out->data[out->length] = '\0';
    return true;
}

bool gzip_is_wanted(const char *accept_encoding)
{
    return accept_encoding && preference_weight(accept_encoding, "gzip") > 0;
}

bool gzip_append(struct text plain, struct buffer *out)
{
    z_stream stream = {0};
    if (plain.length > INT_MAX ||
        deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t capacity = deflateBound(&stream, plain.length);
    bool done = buffer_reserve(out, capacity) && deflate_whole(&stream, plain, capacity, out);
    deflateEnd(&stream);
    return done;
}
