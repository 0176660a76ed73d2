/* SPDX-License-Identifier: Apache-2.0
 * One hash of an epoch, or changes to it, added to what a reader holds. See commit_codec.h for names and fields. */
#ifndef TIDEMARK_REDIS_HASH_DECODE_H
#define TIDEMARK_REDIS_HASH_DECODE_H

#include <hiredis/hiredis.h>

#include "ports/realtime_store.h"

/* Fields and values in turn, from one of two places. */
struct hash_changes {
    struct text *packed;     /* MessagePack strings, taken from the front; or NULL, then */
    const redisReply *reply; /* the elements of a list */
    size_t left;             /* strings or elements that are left */
};

/* The epoch must be one that the reader holds. With `announce`, reader->changed hears of each pane. ERROR_DATA where a
 * name, a field or a number isn't one of ours. */
bool hash_apply(struct slot_reader *reader, int64_t epoch, struct text name, struct hash_changes *changes,
                bool announce, struct error *error) MUST_CHECK;

#endif
