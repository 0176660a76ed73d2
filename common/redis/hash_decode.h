/* SPDX-License-Identifier: Apache-2.0
 * One hash of an epoch, or changes to it, added to what a reader holds. See commit_codec.h for names and fields. */
#ifndef TIDEMARK_REDIS_HASH_DECODE_H
#define TIDEMARK_REDIS_HASH_DECODE_H

#include <hiredis/hiredis.h>

#include "state/slot_reader.h"

/* Fields and numbers in turn, from one of three places. */
struct hash_changes {
    struct text *packed;           /* MessagePack strings, taken from the front; or NULL, then */
    const redisReply *reply;       /* the elements of a list; or NULL, then */
    const struct bytes_map *known; /* fields, with an int64_t each */
    size_t left;                   /* strings, elements or fields that are left */
};

/* Takes the next; false where it isn't what it should be. */
bool hash_take_field(struct hash_changes *changes, struct text *ret_field, int64_t *ret_number) MUST_CHECK;

/* Takes "<epoch>:" from the front. */
bool hash_name_take_epoch(struct text *name, int64_t *ret_epoch) MUST_CHECK;

/* The epoch must be one that the reader holds. With `announce`, reader->changed hears of each pane. ERROR_DATA where a
 * name, a field or a number isn't one of ours. */
bool hash_apply(struct slot_reader *reader, int64_t epoch, struct text name, struct hash_changes *changes,
                bool announce, struct error *error) MUST_CHECK;

#endif
