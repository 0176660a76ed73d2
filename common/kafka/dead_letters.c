/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/dead_letters.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kafka/letter_writer.h"

#define WRITERS_MAX 8                /* producers that are open at once; each has a few threads and connections */
#define IDLE_US (60 * US_PER_SECOND) /* a writer without letters is closed then */
#define KEEP_US (5 * US_PER_SECOND)  /* the longest that keeping takes */

/* What is known of a partition that has had a letter. */
struct place {
    const struct source *source;
    int32_t partition;
    struct letter *letters; /* sent, not kept */
    size_t count, capacity;
    struct letter_writer *writer; /* NULL: not open */
    int64_t used_us;
    size_t whole_below; /* the topic takes letters with fewer bytes of payload than this */
};

struct kafka_dead_letters {
    struct dead_letter_store store;
    const struct kafka_access *access;
    rd_kafka_t *marks; /* a consumer that never joins its group */
    struct place *places;
    size_t count, capacity;
};

static struct kafka_dead_letters *self(struct dead_letter_store *store)
{
    return (struct kafka_dead_letters *)(void *)store;
}

static struct place *find(struct kafka_dead_letters *letters, const struct source *source, int32_t partition)
{
    for (size_t i = 0; i < letters->count; i++)
        if (letters->places[i].partition == partition && letters->places[i].source == source)
            return &letters->places[i];
    return NULL;
}

static struct place *find_or_add(struct kafka_dead_letters *letters, const struct source *source, int32_t partition)
{
    struct place *found = find(letters, source, partition);
    if (found)
        return found;
    if (letters->count == letters->capacity) {
        size_t capacity = letters->capacity ? 2 * letters->capacity : 16;
        struct place *places = realloc(letters->places, capacity * sizeof *places);
        if (!places)
            return NULL;
        letters->places = places;
        letters->capacity = capacity;
    }
    struct place *place = &letters->places[letters->count++];
    *place = (struct place){.source = source, .partition = partition, .whole_below = SIZE_MAX};
    return place;
}

static bool make_room(struct place *place)
{
    if (place->count < place->capacity)
        return true;
    size_t capacity = place->capacity ? 2 * place->capacity : 16;
    struct letter *letters = realloc(place->letters, capacity * sizeof *letters);
    if (!letters)
        return false;
    place->letters = letters;
    place->capacity = capacity;
    return true;
}

static void forget_letters(struct place *place)
{
    for (size_t i = 0; i < place->count; i++)
        letter_clean_up(&place->letters[i]);
    free(place->letters);
    place->letters = NULL;
    place->count = place->capacity = 0;
}

static void close_writer(struct place *place)
{
    letter_writer_destroy(place->writer);
    place->writer = NULL;
}

static bool send_letter(struct dead_letter_store *store, const struct dead_letter *letter, struct error *error)
{
    struct place *place = find_or_add(self(store), letter->source, letter->partition);
    if (!place || !make_room(place) || !letter_init(&place->letters[place->count], letter))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    place->count++;
    place->used_us = clock_monotonic_us();
    return true;
}

/* The writer that wasn't used for longest makes room for another. */
static void close_oldest(struct kafka_dead_letters *letters)
{
    struct place *oldest = NULL;
    size_t open = 0;
    for (size_t i = 0; i < letters->count; i++) {
        struct place *place = &letters->places[i];
        if (!place->writer)
            continue;
        open++;
        if (!oldest || place->used_us < oldest->used_us)
            oldest = place;
    }
    if (open >= WRITERS_MAX)
        close_writer(oldest);
}

static bool open_marks(struct kafka_dead_letters *letters, struct error *error)
{
    char group[300];
    if (letters->marks)
        return true;
    snprintf(group, sizeof group, "%s-dead-letters", letters->access->group);
    /* read_committed: a mark that a transaction is about to move is waited for. */
    const struct property defaults[] = {
        {"group.id", group}, {"isolation.level", "read_committed"}, {"retry.backoff.ms", "10"}, {0}};
    letters->marks = kafka_client_new(RD_KAFKA_CONSUMER, letters->access, defaults, NULL, NULL, error);
    return letters->marks != NULL;
}

static bool open_writer(struct kafka_dead_letters *letters, struct place *place, int64_t until_us, struct error *error)
{
    if (!place->writer) {
        close_oldest(letters);
        place->writer = open_marks(letters, error)
                            ? letter_writer_new(letters->access, place->source, place->partition, letters->marks, error)
                            : NULL;
    }
    return place->writer && letter_writer_open(place->writer, until_us, error);
}

/* A letter that is too large is written without its payload at the next attempt, which is made at once. */
static bool write_letters(struct kafka_dead_letters *letters, struct place *place, int64_t next, struct error *error)
{
    int64_t until_us = clock_monotonic_us() + KEEP_US;
    for (;;) {
        if (!open_writer(letters, place, until_us, error)) {
            if (error->code != ERROR_UNAVAILABLE)
                close_writer(place);
            return false;
        }
        enum letter_outcome outcome = letter_writer_write(place->writer, place->letters, place->count, next,
                                                          place->whole_below, until_us, &place->whole_below, error);
        if (outcome == LETTERS_WRITTEN)
            return true;
        close_writer(place);
        if (outcome == LETTERS_FAILED)
            return false;
    }
}

static bool keep(struct dead_letter_store *store, const struct source *source, int32_t partition, int64_t next,
                 struct error *error)
{
    struct place *place = find(self(store), source, partition);
    if (!place || place->count == 0)
        return true;
    bool done = write_letters(self(store), place, next, error);
    forget_letters(place);
    return done;
}

static void forget(struct dead_letter_store *store, const struct source *source, int32_t partition)
{
    struct place *place = find(self(store), source, partition);
    if (place)
        forget_letters(place);
}

static void tend(struct dead_letter_store *store)
{
    int64_t now_us = clock_monotonic_us();
    size_t kept = 0;
    for (size_t i = 0; i < self(store)->count; i++) {
        struct place *place = &self(store)->places[i];
        if (place->count > 0 || now_us - place->used_us < IDLE_US) {
            self(store)->places[kept++] = *place;
            continue;
        }
        forget_letters(place);
        close_writer(place);
    }
    self(store)->count = kept;
}

static void destroy(struct dead_letter_store *store)
{
    struct kafka_dead_letters *letters = self(store);
    for (size_t i = 0; i < letters->count; i++) {
        forget_letters(&letters->places[i]);
        close_writer(&letters->places[i]);
    }
    if (letters->marks)
        kafka_consumer_destroy(letters->marks);
    free(letters->places);
    free(letters);
}

bool kafka_dead_letters_open(const struct kafka_access *access, struct dead_letter_store **ret_store,
                             struct error *error)
{
    static const struct dead_letter_operations operations = {
        .send = send_letter, .keep = keep, .forget = forget, .tend = tend, .destroy = destroy};
    struct kafka_dead_letters *letters = calloc(1, sizeof *letters);
    if (!letters)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    letters->store.operations = &operations;
    letters->access = access;
    *ret_store = &letters->store;
    return true;
}
