/* SPDX-License-Identifier: Apache-2.0
 * Memory for a batch of messages in blocks that are kept for the next batch, so that a warm batch allocates nothing.
 * Only blocks larger than usual, for a message of more than a megabyte, are given back. */
#ifndef TIDEMARK_RECORD_STORAGE_H
#define TIDEMARK_RECORD_STORAGE_H

#include <stddef.h>

struct storage_block;

struct storage {
    struct storage_block *first, *current; /* all zero is an empty storage */
    size_t used;                           /* bytes of `current` */
};

void storage_clean_up(struct storage *storage);
void storage_clear(struct storage *storage);

/* Room for `size` bytes, aligned for any type and not zeroed; NULL where memory is short. It isn't taken until
 * storage_take, so another reservation gets the same room. */
void *storage_reserve(struct storage *storage, size_t size);
/* Takes `size` bytes of the last reservation, which stay until storage_clear. */
void storage_take(struct storage *storage, size_t size);

#endif
