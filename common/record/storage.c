/* SPDX-License-Identifier: Apache-2.0 */
#include "record/storage.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define CHUNK_BYTES ((size_t)1 << 20)
#define ALIGNMENT alignof(max_align_t)

struct storage_chunk {
    struct storage_chunk *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static void free_chunks(struct storage_chunk *chunk)
{
    while (chunk) {
        struct storage_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void storage_clean_up(struct storage *storage)
{
    free_chunks(storage->first);
    *storage = (struct storage){0};
}

void storage_clear(struct storage *storage)
{
    struct storage_chunk **link = &storage->first;
    while (*link) {
        struct storage_chunk *chunk = *link;
        if (chunk->size > CHUNK_BYTES) {
            *link = chunk->next;
            free(chunk);
        } else {
            link = &chunk->next;
        }
    }
    storage->current = storage->first;
    storage->used = 0;
}

/* Makes the chunk behind the current one have room for `size` bytes. */
static bool advance(struct storage *storage, size_t size)
{
    struct storage_chunk **link = storage->current ? &storage->current->next : &storage->first;
    if (!*link || (*link)->size < size) {
        size_t chunk_size = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        struct storage_chunk *chunk = malloc(sizeof *chunk + chunk_size);
        if (!chunk) {
            return false;
        }
        chunk->size = chunk_size;
        chunk->next = *link;
        *link = chunk;
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
