/* SPDX-License-Identifier: Apache-2.0
 * Memory for one unit of work (a configuration, a request, a micro-batch), given back all at once. */
#ifndef TIDEMARK_BASE_ARENA_H
#define TIDEMARK_BASE_ARENA_H

#include <stddef.h>

#include "base/text.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first; all zero is an empty arena */
    size_t used;                /* bytes used of the newest block */
};

void arena_clean_up(struct arena *arena);
/* Keeps the largest block for the next unit of work. */
void arena_clear(struct arena *arena);
/* Zeroed, aligned for any type; NULL where memory is short. A size of 0 gives a valid pointer. */
void *arena_allocate(struct arena *arena, size_t size);
/* Copies, with a NUL behind; NULL where memory is short. */
char *arena_copy(struct arena *arena, struct text text);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
