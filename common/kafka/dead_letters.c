/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/dead_letters.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kafka/dead_letter_writer.h"

#define WRITERS_MAX 8                /* producers that are open at once; each has a few threads and connections */
#define IDLE_US (60 * US_PER_SECOND) /* a writer without letters is closed then */
#define KEEP_US (5 * US_PER_SECOND)  /* the longest that keeping takes */

/* What is known of a partition that has had a letter. */
struct partition_queue {
    const struct source *source;
    int32_t partition;
    struct dead_letter_copy *letters; /* sent, not kept */
    size_t count, capacity;
    struct dead_letter_writer *writer; /* NULL: not open */
    int64_t used_us;
    size_t whole_below; /* the topic takes letters with fewer bytes of payload than this */
};

struct kafka_dead_letters {
    struct dead_letter_store store;
    const struct kafka_access *access;
    rd_kafka_t *checkpoints; /* a consumer that never joins its group */
    struct partition_queue *queues;
    size_t count, capacity;
};

static struct kafka_dead_letters *self(struct dead_letter_store *store)
{
    return (struct kafka_dead_letters *)(void *)store;
}

static struct partition_queue *find(struct kafka_dead_letters *letters, const struct source *source, int32_t partition)
{
    for (size_t i = 0; i < letters->count; i++)
        if (letters->queues[i].partition == partition && letters->queues[i].source == source)
            return &letters->queues[i];
    return NULL;
}

static struct partition_queue *find_or_add(struct kafka_dead_letters *letters, const struct source *source,
                                           int32_t partition)
{
    struct partition_queue *found = find(letters, source, partition);
    if (found)
        return found;
    if (letters->count == letters->capacity) {
        size_t capacity = letters->capacity ? 2 * letters->capacity : 16;
        struct partition_queue *queues = realloc(letters->queues, capacity * sizeof *queues);
        if (!queues)
            return NULL;
        letters->queues = queues;
        letters->capacity = capacity;
    }
    struct partition_queue *queue = &letters->queues[letters->count++];
    *queue = (struct partition_queue){.source = source, .partition = partition, .whole_below = SIZE_MAX};
    return queue;
}

static bool reserve_record(struct partition_queue *queue)
{
    if (queue->count < queue->capacity)
        return true;
    size_t capacity = queue->capacity ? 2 * queue->capacity : 16;
    struct dead_letter_copy *letters = realloc(queue->letters, capacity * sizeof *letters);
    if (!letters)
        return false;
    queue->letters = letters;
    queue->capacity = capacity;
    return true;
}

static void forget_letters(struct partition_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        dead_letter_copy_clean_up(&queue->letters[i]);
    free(queue->letters);
    queue->letters = NULL;
    queue->count = queue->capacity = 0;
}

static void close_writer(struct partition_queue *queue)
{
    dead_letter_writer_destroy(queue->writer);
    queue->writer = NULL;
}

static bool send_letter(struct dead_letter_store *store, const struct dead_letter *letter, struct error *error)
{
    struct partition_queue *queue = find_or_add(self(store), letter->source, letter->partition);
    if (!queue || !reserve_record(queue) || !dead_letter_copy_init(&queue->letters[queue->count], letter))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    queue->count++;
    queue->used_us = clock_monotonic_us();
    return true;
}

/* The writer that wasn't used for longest makes room for another. */
static void close_oldest(struct kafka_dead_letters *letters)
{
    struct partition_queue *oldest = NULL;
    size_t open = 0;
    for (size_t i = 0; i < letters->count; i++) {
        struct partition_queue *queue = &letters->queues[i];
        if (!queue->writer)
            continue;
        open++;
        if (!oldest || queue->used_us < oldest->used_us)
            oldest = queue;
    }
    if (open >= WRITERS_MAX)
        close_writer(oldest);
}

static bool open_checkpoints(struct kafka_dead_letters *letters, struct error *error)
{
    char group[300];
    if (letters->checkpoints)
        return true;
    snprintf(group, sizeof group, "%s-dead-letters", letters->access->group);
    /* It is read_committed as all are that read: a checkpoint that a transaction is about to move is waited for. */
    const struct property defaults[] = {{"group.id", group}, {"retry.backoff.ms", "10"}, {0}};
    letters->checkpoints = kafka_client_new(RD_KAFKA_CONSUMER, letters->access, defaults, NULL, NULL, error);
    return letters->checkpoints != NULL;
}

static bool open_writer(struct kafka_dead_letters *letters, struct partition_queue *queue, int64_t until_us,
                        struct error *error)
{
    if (!queue->writer) {
        close_oldest(letters);
        queue->writer =
            open_checkpoints(letters, error)
                ? dead_letter_writer_new(letters->access, queue->source, queue->partition, letters->checkpoints, error)
                : NULL;
    }
    return queue->writer && dead_letter_writer_open(queue->writer, until_us, error);
}

/* A letter that is too large is written without its payload at the next attempt, which is made at once. */
static bool write_letters(struct kafka_dead_letters *letters, struct partition_queue *queue, int64_t next,
                          struct error *error)
{
    int64_t until_us = clock_monotonic_us() + KEEP_US;
    for (;;) {
        if (!open_writer(letters, queue, until_us, error)) {
            if (error->code != ERROR_UNAVAILABLE)
                close_writer(queue);
            return false;
        }
        enum dead_letter_outcome outcome =
            dead_letter_writer_write(queue->writer, queue->letters, queue->count, next, queue->whole_below, until_us,
                                     &queue->whole_below, error);
        if (outcome == DEAD_LETTERS_WRITTEN)
            return true;
        close_writer(queue);
        if (outcome == DEAD_LETTERS_FAILED)
            return false;
    }
}

static bool keep(struct dead_letter_store *store, const struct source *source, int32_t partition, int64_t next,
                 struct error *error)
{
    struct partition_queue *queue = find(self(store), source, partition);
    if (!queue || queue->count == 0)
        return true;
    bool done = write_letters(self(store), queue, next, error);
    forget_letters(queue);
    return done;
}

static void forget(struct dead_letter_store *store, const struct source *source, int32_t partition)
{
    struct partition_queue *queue = find(self(store), source, partition);
    if (queue)
        forget_letters(queue);
}

static void close_idle(struct dead_letter_store *store)
{
    int64_t now_us = clock_monotonic_us();
    size_t kept = 0;
    for (size_t i = 0; i < self(store)->count; i++) {
        struct partition_queue *queue = &self(store)->queues[i];
        if (queue->count > 0 || now_us - queue->used_us < IDLE_US) {
            self(store)->queues[kept++] = *queue;
            continue;
        }
        forget_letters(queue);
        close_writer(queue);
    }
    self(store)->count = kept;
}

static void destroy(struct dead_letter_store *store)
{
    struct kafka_dead_letters *letters = self(store);
    for (size_t i = 0; i < letters->count; i++) {
        forget_letters(&letters->queues[i]);
        close_writer(&letters->queues[i]);
    }
    if (letters->checkpoints)
        kafka_consumer_destroy(letters->checkpoints);
    free(letters->queues);
    free(letters);
}

bool kafka_dead_letters_open(const struct kafka_access *access, struct dead_letter_store **ret_store,
                             struct error *error)
{
    static const struct dead_letter_operations operations = {
        .send = send_letter, .keep = keep, .forget = forget, .close_idle = close_idle, .destroy = destroy};
    struct kafka_dead_letters *letters = calloc(1, sizeof *letters);
    if (!letters)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    letters->store.operations = &operations;
    letters->access = access;
    *ret_store = &letters->store;
    return true;
}
