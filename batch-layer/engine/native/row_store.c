/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/row_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)32 << 10)
#define PART_SHIFT 56
#define CACHE_LINE 64
#define AHEAD_BYTES ((size_t)192) /* where the next row of a part will lie: by then it is in the cache */

/* Full, and of one part. */
struct row_block {
    struct row_block *next;
    char *bytes; /* NULL: in the file, at `at` */
    int64_t at;
    size_t used;
};

struct part {
    pthread_mutex_t lock;
    struct row_block *blocks;
    struct part_size size;
};

struct row_store {
    const char *folder;
    int64_t memory_bytes;
    _Atomic int64_t held_bytes, file_bytes;
    pthread_mutex_t lock; /* of the opening of: */
    _Atomic int file;     /* -1: not yet */
    struct part parts[ROW_PARTS];
};

struct part_writer {
    struct row_store *store;
    struct open_block {
        char *bytes;
        size_t used, capacity;
        int64_t rows;
    } blocks[ROW_PARTS];
};

static bool no_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

struct row_store *row_store_new(const char *folder, int64_t memory_bytes)
{
    struct row_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->folder = folder;
    store->memory_bytes = memory_bytes;
    store->file = -1;
    pthread_mutex_init(&store->lock, NULL);
    for (size_t i = 0; i < ROW_PARTS; i++)
        pthread_mutex_init(&store->parts[i].lock, NULL);
    return store;
}

void row_store_drop(struct row_store *store, size_t part)
{
    while (store->parts[part].blocks) {
        struct row_block *block = store->parts[part].blocks;
        store->parts[part].blocks = block->next;
        free(block->bytes);
        free(block);
    }
}

void row_store_destroy(struct row_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < ROW_PARTS; i++) {
        row_store_drop(store, i);
        pthread_mutex_destroy(&store->parts[i].lock);
    }
    if (store->file >= 0)
        close(store->file);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* --- The file ---------------------------------------------------------------------------------------------------- */

static bool open_file(struct row_store *store, struct error *error)
{
    pthread_mutex_lock(&store->lock);
    if (store->file < 0 && (mkdir(store->folder, 0777) == 0 || errno == EEXIST))
        store->file = open(store->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int opened = store->file, number = errno;
    pthread_mutex_unlock(&store->lock);
    return opened >= 0 ||
           error_set(error, ERROR_UNAVAILABLE, "can't make a file in %s for what doesn't fit into memory: %s",
                     store->folder, strerror(number));
}

static bool spill(struct row_store *store, const char *bytes, size_t length, int64_t *ret_at, struct error *error)
{
    if (store->file < 0 && !open_file(store, error))
        return false;
    *ret_at = atomic_fetch_add(&store->file_bytes, (int64_t)length);
    for (size_t done = 0; done < length;) {
        ssize_t written = pwrite(store->file, bytes + done, length - done, *ret_at + (int64_t)done);
        if (written <= 0)
            return error_set(error, ERROR_UNAVAILABLE, "can't write what doesn't fit into memory to %s: %s",
                             store->folder, strerror(errno));
        done += (size_t)written;
    }
    return true;
}

static bool fetch(const struct row_store *store, struct row_block *block, struct error *error)
{
    block->bytes = malloc(block->used);
    if (!block->bytes)
        return no_memory(error);
    for (size_t done = 0; done < block->used;) {
        ssize_t taken = pread(store->file, block->bytes + done, block->used - done, block->at + (int64_t)done);
        if (taken <= 0)
            return error_set(error, ERROR_UNAVAILABLE, "can't read again what didn't fit into memory from %s: %s",
                             store->folder, taken < 0 ? strerror(errno) : "the file has become shorter");
        done += (size_t)taken;
    }
    return true;
}

/* --- Adding ------------------------------------------------------------------------------------------------------ */

struct part_writer *part_writer_new(struct row_store *store)
{
    struct part_writer *writer = calloc(1, sizeof *writer);
    if (writer)
        writer->store = store;
    return writer;
}

void part_writer_destroy(struct part_writer *writer)
{
    for (size_t i = 0; writer && i < ROW_PARTS; i++)
        free(writer->blocks[i].bytes);
    free(writer);
}

/* Hands a block over to its part: as it is where memory allows it, else as a place in the file. */
static bool hand_over(struct part_writer *writer, size_t number, struct error *error)
{
    struct row_store *store = writer->store;
    struct open_block *open_one = &writer->blocks[number];
    if (open_one->used == 0)
        return true;
    struct row_block *block = calloc(1, sizeof *block);
    if (!block)
        return no_memory(error);
    block->used = open_one->used;
    bool stays = atomic_fetch_add(&store->held_bytes, (int64_t)open_one->capacity) + (int64_t)open_one->capacity <=
                 store->memory_bytes;
    if (stays) {
        block->bytes = open_one->bytes;
        open_one->bytes = NULL;
        open_one->capacity = 0;
    } else {
        atomic_fetch_sub(&store->held_bytes, (int64_t)open_one->capacity);
        if (!spill(store, open_one->bytes, open_one->used, &block->at, error)) {
            free(block);
            return false;
        }
    }
    struct part *part = &store->parts[number];
    pthread_mutex_lock(&part->lock);
    block->next = part->blocks;
    part->blocks = block;
    part->size.bytes += (int64_t)block->used;
    part->size.spilled_bytes += stays ? 0 : (int64_t)block->used;
    part->size.rows += open_one->rows;
    pthread_mutex_unlock(&part->lock);
    open_one->used = 0;
    open_one->rows = 0;
    return true;
}

static bool begin_block(struct part_writer *writer, size_t number, size_t bytes, struct error *error)
{
    struct open_block *block = &writer->blocks[number];
    if (!hand_over(writer, number, error))
        return false;
    if (block->capacity >= bytes)
        return true;
    free(block->bytes);
    block->capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    block->bytes = malloc(block->capacity);
    if (!block->bytes)
        block->capacity = 0;
    return block->bytes || no_memory(error);
}

struct stored_row *part_writer_add(struct part_writer *writer, uint64_t hash, size_t bytes, struct error *error)
{
    size_t number = hash >> PART_SHIFT;
    struct open_block *block = &writer->blocks[number];
    bytes = (bytes + 7) / 8 * 8;
    if (block->capacity - block->used < bytes && !begin_block(writer, number, bytes, error))
        return NULL;
    struct stored_row *row = (struct stored_row *)(void *)(block->bytes + block->used);
    row->hash = hash;
    row->bytes = (uint32_t)bytes;
    block->used += bytes;
    block->rows++;
    for (size_t ahead = 0; ahead < AHEAD_BYTES; ahead += CACHE_LINE)
        __builtin_prefetch(block->bytes + block->used + ahead, 1);
    return row;
}

bool part_writer_end(struct part_writer *writer, struct error *error)
{
    for (size_t i = 0; i < ROW_PARTS; i++)
        if (!hand_over(writer, i, error))
            return false;
    return true;
}

/* --- Taking ------------------------------------------------------------------------------------------------------ */

int64_t row_store_spilled(const struct row_store *store)
{
    return store->file_bytes;
}

struct part_size row_store_part(const struct row_store *store, size_t part)
{
    return store->parts[part].size;
}

bool row_store_take(struct row_store *store, size_t part, stored_row_visitor *visit, void *context, struct error *error)
{
    for (struct row_block *block = store->parts[part].blocks; block; block = block->next) {
        if (!block->bytes && !fetch(store, block, error))
            return false;
        for (size_t at = 0; at < block->used;) {
            const struct stored_row *row = (const struct stored_row *)(void *)(block->bytes + at);
            if (!visit(context, row))
                return no_memory(error);
            at += row->bytes;
        }
    }
    return true;
}
