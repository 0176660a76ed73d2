/* SPDX-License-Identifier: Apache-2.0
 * Files that are read whole, and read again when they change. */
#ifndef TIDEMARK_BASE_FILE_H
#define TIDEMARK_BASE_FILE_H

#include <sys/stat.h>
#include <time.h>

#include "base/buffer.h"

/* Appends what the file holds, up to `limit` bytes. Returns 0, or an errno: ENOMEM where memory is short. */
int file_read(const char *path, size_t limit, struct buffer *out);

/* What tells one state of a file from another without reading it; all 0 of one that isn't there. */
struct file_state {
    struct timespec changed;
    off_t size;
    ino_t number;
};
struct file_state file_state_of(const char *path);
bool file_state_equal(const struct file_state *a, const struct file_state *b);

#endif
