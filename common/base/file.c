/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>

#define PIECE_BYTES ((size_t)65536)

int file_read(const char *path, size_t limit, struct buffer *out)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return errno ? errno : EIO;
    int failure = 0;
    const size_t end = out->length + limit;
    while (out->length < end && !feof(file)) {
        size_t want = end - out->length < PIECE_BYTES ? end - out->length : PIECE_BYTES;
        if (!buffer_reserve(out, want)) {
            failure = ENOMEM;
            break;
        }
        errno = 0;
        out->length += fread(out->data + out->length, 1, want, file);
        if (ferror(file)) {
            failure = errno ? errno : EIO;
            break;
        }
    }
    (void)fclose(file);
    return failure;
}

struct file_state file_state_of(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return (struct file_state){0};
    return (struct file_state){info.st_ctim, info.st_size, info.st_ino};
}

bool file_state_equal(const struct file_state *a, const struct file_state *b)
{
    return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec && a->size == b->size &&
           a->number == b->number;
}
