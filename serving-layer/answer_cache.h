/* SPDX-License-Identifier: Apache-2.0
 * Answers as they were written, for whoever asks the same while nothing has changed: a state of a snapshot and a
 * question have one answer, kept as gzip for those who take that, and as it is for the others. Nothing of an earlier
 * state is ever given. */
#ifndef TIDEMARK_SERVING_ANSWER_CACHE_H
#define TIDEMARK_SERVING_ANSWER_CACHE_H

#include "answer.h"
#include "http/reply.h"
#include "http/request_head.h"

#define ANSWERS_KEPT 128 /* questions; of two in one place the later is kept */
#define ANSWER_KEPT_MAX                                                                                                \
    ((size_t)32 * 1024)                  /* bytes of an answer, compressed or not; a larger one is written each time */
#define QUESTION_KEPT_MAX ((size_t)1024) /* of its target and Accept */

struct answer_cache;

struct answer_cache *answer_cache_new(void); /* NULL: memory is short */
void answer_cache_destroy(struct answer_cache *cache);

/* Replies as was replied to what the head asks of the snapshot in this state; false where that isn't kept. NULL is an
 * empty cache. Who may see it, and who has it already, is the caller's to know. */
bool answer_cache_find(struct answer_cache *cache, uint64_t state, const struct request_head *head,
                       struct reply *ret_reply, struct entity_tag *ret_tag, size_t *ret_rows) MUST_CHECK;

/* Keeps what is replied with the answer, if it is small, whole and for anybody. */
void answer_cache_keep(struct answer_cache *cache, const struct request_head *head, const struct answer *answer,
                       struct reply *reply);

#endif
