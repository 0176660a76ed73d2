/* SPDX-License-Identifier: Apache-2.0 */
#include "record/storage.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)1 << 20)
#define ALIGNMENT alignof(max_align_t)

struct storage_block {
    struct storage_block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static void free_blocks(struct storage_block *block)
{
    while (block) {
        struct storage_block *next = block->next;
        free(block);
        block = next;
    }
}

void storage_clean_up(struct storage *storage)
{
    free_blocks(storage->first);
    *storage = (struct storage){0};
}

void storage_clear(struct storage *storage)
{
    struct storage_block **link = &storage->first;
    while (*link) {
        struct storage_block *block = *link;
        if (block->size > BLOCK_BYTES) {
            *link = block->next;
            free(block);
        } else {
            link = &block->next;
        }
    }
    storage->current = storage->first;
    storage->used = 0;
}

/* Makes the block behind the current one have room for `size` bytes. */
static bool advance(struct storage *storage, size_t size)
{
    struct storage_block **link = storage->current ? &storage->current->next : &storage->first;
    if (!*link || (*link)->size < size) {
        size_t block_size = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct storage_block *block = malloc(sizeof *block + block_size);
        if (!block) {
            return false;
        }
        block->size = block_size;
        block->next = *link;
        *link = block;
    }
    storage->current = *link;
    storage->used = 0;
    return true;
}

void *storage_reserve(struct storage *storage, size_t size)
{
    if ((!storage->current || storage->current->size - storage->used < size) && !advance(storage, size)) {
        return NULL;
    }
    return storage->current->bytes + storage->used;
}

void storage_take(struct storage *storage, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t left = storage->current->size - storage->used;
    storage->used += rounded < left ? rounded : left;
}
