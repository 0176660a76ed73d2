/* SPDX-License-Identifier: Apache-2.0
 * What the function `read` answers, applied to a reader. */
#ifndef TIDEMARK_REDIS_READ_DECODE_H
#define TIDEMARK_REDIS_READ_DECODE_H

#include <hiredis/hiredis.h>

#include "ports/realtime_store.h"

/* True where the reader holds the cells of all epochs of the slot that it knows: only then it can follow by changes. */
bool reader_can_follow(const struct slot_reader *reader);

/* Applies [meta, "meta" | "changes" | "all", list]. *ret_again: nothing was done, for the slot has an old epoch that
 * the reader doesn't hold, so all must be asked for. On an error among the cells the reader is emptied, so that the
 * next read brings all; on one in meta it stays as it was. */
bool read_apply(struct slot_reader *reader, const redisReply *reply, bool *ret_again, struct error *error) MUST_CHECK;

#endif
