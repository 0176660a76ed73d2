/* SPDX-License-Identifier: Apache-2.0
 * How long a list in a reply may say that it is. hiredis makes room for a whole list when its length arrives, before
 * any of its elements: without a limit, the dozen bytes "*2000000000" of a server gone wrong take 16 GB. (hiredis has
 * such a limit of its own, maxelements, since 1.0.) */
#ifndef TIDEMARK_REDIS_REPLY_LIMIT_H
#define TIDEMARK_REDIS_REPLY_LIMIT_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

/* The longest lists that are asked for hold the figures of one view, day and partition, each with its name: 50 words
 * for each of a million groups of eight sums. A longer one would not be here within a command's time. */
#define REPLY_ELEMENTS_MAX (1 << 26)

struct reply_limit {
    redisReplyObjectFunctions functions; /* as the reader had them, but for lists */
    void *(*create_array)(const redisReadTask *, int);
    bool exceeded; /* a reply was refused, which hiredis reports as a lack of memory */
};

/* For a reader that has not begun to read; the limit must outlive it, and stay where it is. */
void reply_limit_set(struct reply_limit *limit, redisReader *reader);

#endif
