/* SPDX-License-Identifier: Apache-2.0
 * Threads for answers that have to wait for something: the server's own threads each answer many connections, and never
 * wait. */
#ifndef TIDEMARK_HTTP_ANSWER_POOL_H
#define TIDEMARK_HTTP_ANSWER_POOL_H

#include <stddef.h>

#include "base/error.h"

#define ANSWER_POOL_THREADS_MAX 8

struct answer_pool;

/* What one of its threads does with what it was given; `is_ending`: the server is about to stop, and there is no time.
 */
typedef void answer_pool_work(void *item, bool is_ending);

/* At most `most` items are in it at a time, those at work among them. False where memory is short, or there is no
 * thread to be had. */
bool answer_pool_start(size_t threads, size_t most, answer_pool_work *work, struct answer_pool **ret_pool,
                       struct error *error) MUST_CHECK;

/* False where there is no room, or it ends. A place that was taken is filled by answer_pool_give. */
bool answer_pool_reserve(struct answer_pool *pool) MUST_CHECK;
void answer_pool_give(struct answer_pool *pool, void *item);

/* Waits until all that was given to it is done; nothing can be given to it any more. NULL is allowed. */
void answer_pool_end(struct answer_pool *pool);
/* Ends it where that wasn't done. Nobody asks it for anything any more. NULL is allowed. */
void answer_pool_destroy(struct answer_pool *pool);

#endif
