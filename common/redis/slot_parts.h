/* SPDX-License-Identifier: Apache-2.0
 * A slot that is being read whole, a part at a time, so that a large one never keeps the store busy for long.
 *
 * Commits may come between two parts; each part comes with those since the part before. A change to a hash that is read
 * already, or that is newer than the list of hashes, is added; one to a hash that is still to be read is left out, for
 * it will be among what is read. A hash too large for one part comes by HSCAN, which gives each field that was there
 * all the time at least once: a part sets the fields that it has, a change adds to a field that is there or makes it. A
 * field that no part ever brings was made by changes, and is their sum. So what has been read is at each moment what
 * the store held at the last part, but for what is still to come. */
#ifndef TIDEMARK_REDIS_SLOT_PARTS_H
#define TIDEMARK_REDIS_SLOT_PARTS_H

#include <hiredis/hiredis.h>

#include "state/slot_reader.h"
#include "redis/hash_decode.h"
#include "redis/words.h"

#define CURSOR_SIZE 24

struct slot_parts {
    struct slot_reader so_far; /* the slot at the last part, and what was read of it */
    bool whole;                /* all must be asked for, whatever the reader holds */
    bool begun;
    size_t beginnings;        /* how often it was begun, for the commits since can be more than the store remembers */
    struct bytes_map names;   /* "<epoch>:<name>" of each hash that there was at the beginning; its number, size_t */
    size_t next;              /* the number of the first hash that isn't read whole */
    char cursor[CURSOR_SIZE]; /* where it goes on; "0" where nothing of it was read */
    struct bytes_map fields;  /* int64_t each: what is known of it */
};

void slot_parts_init(struct slot_parts *parts, struct slot_id id, const struct source *source);
void slot_parts_clean_up(struct slot_parts *parts);

/* Begins, or begins again, with the slot and the names of its hashes. The caller makes the epochs of `so_far`. */
bool slot_parts_begin(struct slot_parts *parts, const struct slot *slot, const redisReply *names,
                      struct error *error) MUST_CHECK;
/* Forgets what was read: it has to be begun again. */
void slot_parts_drop(struct slot_parts *parts);
/* Adds to a call where to go on. */
void slot_parts_ask(const struct slot_parts *parts, struct words *words);
/* Takes what the store gave for that: [name, cursor, fields and values] of each hash. */
bool slot_parts_take(struct slot_parts *parts, const redisReply *list, struct error *error) MUST_CHECK;
bool slot_parts_are_whole(const struct slot_parts *parts);

/* Changes to a hash since the last part, added to where they belong, or left out. */
bool slot_parts_change(struct slot_parts *parts, int64_t epoch, struct text name, struct hash_changes *changes,
                       struct error *error) MUST_CHECK;

#endif
