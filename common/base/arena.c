/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES ((size_t)1008) /* with its head what malloc keeps for a thread: a request needs no more */
#define BLOCK_BYTES_MAX ((size_t)1 << 20)

struct arena_block {
    struct arena_block *older;
    size_t size;
    alignas(max_align_t) char data[];
};

void arena_clean_up(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *older; block; block = older) {
        older = block->older;
        free(block);
    }
    *arena = (struct arena){0};
}

void arena_clear(struct arena *arena)
{
    struct arena_block *largest = NULL;
    for (struct arena_block *block = arena->blocks, *older; block; block = older) {
        older = block->older;
        if (!largest || block->size > largest->size) {
            free(largest);
            largest = block;
        } else {
            free(block);
        }
    }
    if (largest)
        largest->older = NULL;
    *arena = (struct arena){.blocks = largest};
}

static bool add_block(struct arena *arena, size_t size)
{
    size_t grown = arena->blocks ? arena->blocks->size * 2 : FIRST_BYTES;
    size_t capacity = grown > BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX : grown;
    if (capacity < size)
        capacity = size;
    if (capacity > SIZE_MAX - sizeof(struct arena_block))
        return false;
    struct arena_block *block = malloc(sizeof *block + capacity);
    if (!block)
        return false;
    *block = (struct arena_block){.older = arena->blocks, .size = capacity};
    arena->blocks = block;
    arena->used = 0;
    return true;
}

void *arena_allocate(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (!arena->blocks || arena->blocks->size - arena->used < size)
        if (!add_block(arena, size))
            return NULL;
    void *memory = arena->blocks->data + arena->used;
    arena->used += size;
    return memset(memory, 0, size);
}

char *arena_copy(struct arena *arena, struct text text)
{
    char *copy = arena_allocate(arena, text.length + 1);
    if (copy && text.length)
        memcpy(copy, text.data, text.length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *string = length < 0 ? NULL : arena_allocate(arena, (size_t)length + 1);
    va_start(arguments, format);
    if (string)
        vsnprintf(string, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return string;
}
