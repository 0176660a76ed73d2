/* SPDX-License-Identifier: Apache-2.0
 * What the function `read` answers, applied to a reader. */
#ifndef TIDEMARK_REDIS_READ_DECODE_H
#define TIDEMARK_REDIS_READ_DECODE_H

#include <hiredis/hiredis.h>

#include "state/slot_reader.h"
#include "redis/slot_parts.h"

/* True where the reader holds the cells of all epochs of the slot that it knows: only then it can follow by changes. */
bool reader_can_follow(const struct slot_reader *reader);

/* Applies [meta, "meta", [], []], [meta, "changes", commits, parts] or [meta, "all", names of hashes, parts].
 * *ret_more: ask again, from what `parts` says, for the reader isn't up to date; it is untouched until all parts are
 * read. On an error among the cells the reader is emptied, so that the next read brings all; on one in meta it stays as
 * it was. */
bool read_apply(struct slot_reader *reader, struct slot_parts *parts, const redisReply *reply, bool *ret_more,
                struct error *error) MUST_CHECK;

#endif
