/* SPDX-License-Identifier: Apache-2.0 */
#include "answer_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "http/compress.h"
#include "http/kept_reply.h"

struct kept_answer {
    struct buffer question; /* empty: there is none */
    bool takes_gzip;        /* who asked it */
    uint64_t state;
    struct entity_tag tag;
    size_t rows;
    struct kept_reply *reply;
};

struct answer_cache {
    pthread_mutex_t lock;
    struct kept_answer kept[ANSWERS_KEPT];
};

struct answer_cache *answer_cache_new(void)
{
    struct answer_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void forget(struct kept_answer *kept)
{
    buffer_clean_up(&kept->question);
    kept_reply_release(kept->reply);
    *kept = (struct kept_answer){0};
}

void answer_cache_destroy(struct answer_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < ANSWERS_KEPT; i++)
        forget(&cache->kept[i]);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* What an answer is made from beside the state. */
struct question_key {
    struct text target, accept;
    bool takes_gzip;
};

/* False where it is too long to be kept. */
static bool question_of(const struct request_head *head, struct question_key *ret_question)
{
    *ret_question = (struct question_key){text_of(head->target), text_of(head->accept ? head->accept : "*/*"),
                                          gzip_is_wanted(head->accept_encoding)};
    return ret_question->target.length + ret_question->accept.length <= QUESTION_KEPT_MAX;
}

static struct kept_answer *place_of(struct answer_cache *cache, const struct question_key *question)
{
    const uint64_t parts[] = {entity_hash(question->target.data, question->target.length),
                              entity_hash(question->accept.data, question->accept.length), question->takes_gzip};
    return &cache->kept[entity_hash(parts, sizeof parts) % ANSWERS_KEPT];
}

/* The target has no blank. */
static void write_question(const struct question_key *question, struct buffer *out)
{
    buffer_append_text(out, question->target);
    buffer_append_char(out, ' ');
    buffer_append_text(out, question->accept);
}

static bool asks(const struct kept_answer *kept, const struct question_key *question)
{
    const struct buffer *held = &kept->question;
    size_t length = question->target.length;
    return kept->takes_gzip == question->takes_gzip && held->length == length + 1 + question->accept.length &&
           memcmp(held->data, question->target.data, length) == 0 &&
           memcmp(held->data + length + 1, question->accept.data, question->accept.length) == 0;
}

bool answer_cache_find(struct answer_cache *cache, uint64_t state, const struct request_head *head,
                       struct reply *ret_reply, struct entity_tag *ret_tag, size_t *ret_rows)
{
    struct question_key question;
    if (!cache || !question_of(head, &question))
        return false;
    const struct kept_answer *kept = place_of(cache, &question);
    pthread_mutex_lock(&cache->lock);
    const bool found = kept->state == state && asks(kept, &question);
    if (found) {
        kept_reply_give(kept->reply, ret_reply);
        *ret_tag = kept->tag;
        *ret_rows = kept->rows;
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

static size_t bytes_of(const struct reply *reply)
{
    size_t bytes = reply->body.length;
    for (size_t i = 0; i < reply->header_count; i++)
        bytes += reply->headers[i].value.length;
    return bytes;
}

void answer_cache_keep(struct answer_cache *cache, const struct request_head *head, const struct answer *answer,
                       struct reply *reply)
{
    struct question_key question;
    if (!cache || reply->status != 200 || answer->state == 0 || bytes_of(reply) > ANSWER_KEPT_MAX ||
        !reply_is_whole(reply) || !question_of(head, &question))
        return;
    struct kept_answer fresh = {
        .takes_gzip = question.takes_gzip, .state = answer->state, .tag = answer->tag, .rows = answer->rows};
    write_question(&question, &fresh.question);
    if (!fresh.question.failed && (fresh.reply = kept_reply_new(reply))) {
        struct kept_answer *kept = place_of(cache, &question);
        pthread_mutex_lock(&cache->lock);
        struct kept_answer before = *kept;
        *kept = fresh;
        pthread_mutex_unlock(&cache->lock);
        fresh = before;
    }
    forget(&fresh);
}
