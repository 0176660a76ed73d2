/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_dead_letters.h"

#include <assert.h>
#include <stdlib.h>

static struct memory_dead_letters *self(struct dead_letter_store *store)
{
    return (struct memory_dead_letters *)(void *)store;
}

static bool append(struct memory_letters *letters, int64_t offset)
{
    if (letters->count == letters->capacity) {
        size_t capacity = letters->capacity ? 2 * letters->capacity : 64;
        int64_t *offsets = realloc(letters->offsets, capacity * sizeof *offsets);
        if (!offsets)
            return false;
        letters->offsets = offsets;
        letters->capacity = capacity;
    }
    letters->offsets[letters->count++] = offset;
    return true;
}

static bool send_letter(struct dead_letter_store *store, const struct dead_letter *letter, struct error *error)
{
    assert(letter->partition >= 0 && letter->partition < MEMORY_LETTER_PARTITIONS);
    return append(&self(store)->partitions[letter->partition].sent, letter->message->offset) ||
           error_set(error, ERROR_INTERNAL, "out of memory");
}

void memory_dead_letters_take_over(struct memory_dead_letters *memory, int32_t partition)
{
    if (memory->partitions[partition].owner)
        return;
    memory->partitions[partition].owner = ++memory->topic->partitions[partition].owner;
    memory->partitions[partition].checkpoint = memory->topic->partitions[partition].checkpoint;
}

static bool write_sent(struct memory_dead_letters *memory, int32_t partition, int64_t next, struct error *error)
{
    struct memory_dead_letter_partition *kept = &memory->topic->partitions[partition];
    const struct memory_letters *sent = &memory->partitions[partition].sent;
    int64_t checkpoint = memory->partitions[partition].checkpoint;
    for (size_t i = 0; i < sent->count; i++)
        if (sent->offsets[i] >= checkpoint && !append(&kept->written, sent->offsets[i]))
            return error_set(error, ERROR_INTERNAL, "out of memory");
    if (next > checkpoint)
        kept->checkpoint = memory->partitions[partition].checkpoint = next;
    return true;
}

static bool keep_sent(struct memory_dead_letters *memory, int32_t partition, int64_t next, struct error *error)
{
    if (memory->is_down)
        return error_set(error, ERROR_UNAVAILABLE, "the memory dead letters are down");
    memory_dead_letters_take_over(memory, partition);
    if (memory->partitions[partition].owner != memory->topic->partitions[partition].owner)
        return error_set(error, ERROR_TRY_AGAIN, "another store took partition %d over", (int)partition);
    return write_sent(memory, partition, next, error) &&
           (!memory->loses_replies || error_set(error, ERROR_UNAVAILABLE, "the reply was lost"));
}

static bool keep(struct dead_letter_store *store, const struct source *source, int32_t partition, int64_t next,
                 struct error *error)
{
    (void)source;
    struct memory_letters *sent = &self(store)->partitions[partition].sent;
    bool done = sent->count == 0 || keep_sent(self(store), partition, next, error);
    if (!done)
        self(store)->partitions[partition].owner = 0;
    sent->count = 0;
    return done;
}

static void forget(struct dead_letter_store *store, const struct source *source, int32_t partition)
{
    (void)source;
    self(store)->partitions[partition].sent.count = 0;
}

static void close_idle(struct dead_letter_store *store)
{
    (void)store;
}

static void destroy(struct dead_letter_store *store)
{
    memory_dead_letters_clean_up(self(store));
}

void memory_dead_letter_topic_init(struct memory_dead_letter_topic *topic)
{
    *topic = (struct memory_dead_letter_topic){0};
    for (size_t i = 0; i < MEMORY_LETTER_PARTITIONS; i++)
        topic->partitions[i].checkpoint = -1;
}

void memory_dead_letter_topic_clean_up(struct memory_dead_letter_topic *topic)
{
    for (size_t i = 0; i < MEMORY_LETTER_PARTITIONS; i++)
        free(topic->partitions[i].written.offsets);
    memory_dead_letter_topic_init(topic);
}

void memory_dead_letters_init(struct memory_dead_letters *memory, struct memory_dead_letter_topic *topic)
{
    static const struct dead_letter_operations operations = {
        .send = send_letter, .keep = keep, .forget = forget, .close_idle = close_idle, .destroy = destroy};
    *memory = (struct memory_dead_letters){.store = {&operations}, .topic = topic};
}

void memory_dead_letters_clean_up(struct memory_dead_letters *memory)
{
    for (size_t i = 0; i < MEMORY_LETTER_PARTITIONS; i++) {
        free(memory->partitions[i].sent.offsets);
        memory->partitions[i].sent = (struct memory_letters){0};
    }
}
