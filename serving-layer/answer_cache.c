/* SPDX-License-Identifier: Apache-2.0 */
#include "answer_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "http/compress.h"

struct kept_answer {
    struct buffer question; /* empty: there is none */
    bool takes_gzip;        /* who asked it */
    enum answer_format format;
    struct answer answer;
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
    answer_clean_up(&kept->answer);
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

/* What is in the body isn't copied once more. */
static void copy_answer(const struct answer *from, enum answer_format format, bool is_known, struct answer *to)
{
    *to = *from;
    to->body = to->provenance = to->next = (struct buffer){0};
    to->is_known = is_known;
    if (is_known)
        return;
    buffer_append_text(&to->body, buffer_text(&from->body));
    if (format == FORMAT_JSON)
        return;
    buffer_append_text(&to->provenance, buffer_text(&from->provenance));
    buffer_append_text(&to->next, buffer_text(&from->next));
}

static bool is_whole(const struct answer *answer)
{
    return !answer->body.failed && !answer->provenance.failed && !answer->next.failed;
}

bool answer_cache_find(struct answer_cache *cache, uint64_t state, const struct request_head *head,
                       struct answer *ret_answer, enum answer_format *ret_format)
{
    struct question_key question;
    if (!cache || !question_of(head, &question))
        return false;
    struct kept_answer *kept = place_of(cache, &question);
    pthread_mutex_lock(&cache->lock);
    bool found = kept->answer.state == state && asks(kept, &question);
    if (found) {
        copy_answer(&kept->answer, kept->format, entity_tag_is_known(head->if_none_match, &kept->answer.tag),
                    ret_answer);
        *ret_format = kept->format;
    }
    pthread_mutex_unlock(&cache->lock);
    if (found && !is_whole(ret_answer)) {
        answer_clean_up(ret_answer);
        *ret_answer = (struct answer){0};
        found = false;
    }
    return found;
}

void answer_cache_keep(struct answer_cache *cache, const struct request_head *head, enum answer_format format,
                       const struct answer *answer)
{
    struct question_key question;
    size_t bytes = answer->body.length + answer->provenance.length + answer->next.length;
    if (!cache || answer->is_known || answer->state == 0 || bytes > ANSWER_KEPT_MAX || !question_of(head, &question))
        return;
    struct kept_answer fresh = {.format = format, .takes_gzip = question.takes_gzip};
    write_question(&question, &fresh.question);
    copy_answer(answer, format, false, &fresh.answer);
    if (is_whole(&fresh.answer) && !fresh.question.failed) {
        struct kept_answer *kept = place_of(cache, &question);
        pthread_mutex_lock(&cache->lock);
        struct kept_answer before = *kept;
        *kept = fresh;
        pthread_mutex_unlock(&cache->lock);
        fresh = before;
    }
    forget(&fresh);
}
