/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/redis_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wide.h"
#include "redis/commit_codec.h"
#include "redis/connection.h"
#include "redis/functions.h"
#include "redis/read_decode.h"
#include "redis/slot_codec.h"
#include "redis/slot_parts.h"
#include "redis/words.h"

#define PART_FIELDS 5000 /* that a read takes at once: about ten milliseconds in which Redis does nothing else */
#define BEGINNINGS_MAX 8
#define ASKED_MAX 64 /* readers; those behind them ask for themselves */

struct redis_store {
    struct realtime_store store; /* first, so that one pointer is both */
    struct redis_connection connection;
    char *name_space;
    struct buffer key;     /* scratch: the meta key of the call */
    struct buffer payload; /* scratch: of a commit */
    int64_t part_fields;
    struct {
        const struct slot_reader *readers[ASKED_MAX]; /* whose answers are on their way, in order */
        size_t count, taken;
    } asked;
};

static struct redis_store *of(struct realtime_store *store)
{
    return (struct redis_store *)store;
}

/* The key that names the slot; valid until the next call. All slots of a partition have one hash tag. */
static struct text meta_key(struct redis_store *redis, struct slot_id id)
{
    buffer_clear(&redis->key);
    buffer_appendf(&redis->key, "%s:{%s/%" PRId32 "}:%s%smeta", redis->name_space, id.source, id.partition,
                   id.definition, *id.definition ? ":" : "");
    return buffer_text(&redis->key);
}

/* Begins a call of a function on a slot; its first arguments are always what this program knows. */
static void begin_call(struct redis_store *redis, struct words *words, const char *function, struct slot_id id)
{
    words->count = words->number_count = 0;
    words_add(words, "FCALL");
    words_add(words, function);
    words_add(words, "1");
    words_add_text(words, meta_key(redis, id));
    words_add_number(words, REALTIME_FORMAT);
    words_add(words, REALTIME_KNOWN);
}

static bool in_slot(struct redis_store *redis, struct slot_id id, struct error *error)
{
    return error_context(error, "%s, slot %s/%" PRId32, redis->connection.name, id.source, id.partition);
}

static bool strange_reply(struct redis_store *redis, struct slot_id id, struct error *error)
{
    error_set(error, ERROR_DATA, "an answer that isn't one of ours: tidemark-batch repair has the slot built again");
    return in_slot(redis, id, error);
}

/* Without answers on it that nobody will take. */
static struct redis_connection *free_connection(struct redis_store *redis)
{
    if (redis->asked.taken < redis->asked.count)
        redis_connection_clean_up(&redis->connection);
    redis->asked.count = redis->asked.taken = 0;
    return &redis->connection;
}

/* The connection puts its own name before the message. */
static bool of_slot(struct slot_id id, struct error *error)
{
    return error_context(error, "slot %s/%" PRId32, id.source, id.partition);
}

static bool call(struct redis_store *redis, struct slot_id id, const struct words *words, redisReply **ret_reply,
                 struct error *error)
{
    if (redis->key.failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return redis_connection_call(free_connection(redis), words->texts, words->count, ret_reply, error) ||
           of_slot(id, error);
}

/* The answer to what was sent before. */
static bool take(struct redis_store *redis, struct slot_id id, redisReply **ret_reply, struct error *error)
{
    return redis_connection_take(&redis->connection, ret_reply, error) || of_slot(id, error);
}

static struct text reply_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? (struct text){reply->str, reply->len} : (struct text){"", 0};
}

static bool read_slot(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    struct redis_store *redis = of(store);
    struct words words;
    redisReply *reply;
    begin_call(redis, &words, REDIS_FUNCTION_SLOT, id);
    if (!call(redis, id, &words, &reply, error))
        return false;
    bool decoded = slot_decode_answer(reply, ret_slot, error) || in_slot(redis, id, error);
    freeReplyObject(reply);
    return decoded;
}

static bool init(struct realtime_store *store, struct slot_id id, const char *seen_incarnation,
                 const struct slot *fresh, bool *ret_done, struct error *error)
{
    struct redis_store *redis = of(store);
    struct words words;
    struct slot_texts texts;
    redisReply *reply;
    begin_call(redis, &words, REDIS_FUNCTION_INIT, id);
    words_add(&words, seen_incarnation);
    words_add(&words, fresh->incarnation);
    slot_encode(fresh, &texts, &words);
    if (!call(redis, id, &words, &reply, error))
        return false;
    *ret_done = text_equal(reply_text(reply), text_of("OK"));
    freeReplyObject(reply);
    return true;
}

static bool decode_outcome(const redisReply *reply, struct commit_outcome *ret_outcome)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return false;
    int64_t next;
    for (int answer = COMMIT_OK; answer <= (int)COMMIT_FOREIGN; answer++)
        if (text_equal(reply_text(reply->element[0]), text_of(commit_answer_name((enum commit_answer)answer)))) {
            if (!integer_parse(reply_text(reply->element[1]), &next))
                return false;
            *ret_outcome = (struct commit_outcome){(enum commit_answer)answer, next};
            return true;
        }
    return false;
}

/* Frees the reply. */
static bool take_outcome(struct redis_store *redis, struct slot_id id, redisReply *reply,
                         struct commit_outcome *ret_outcome, struct error *error)
{
    bool decoded = decode_outcome(reply, ret_outcome) || strange_reply(redis, id, error);
    freeReplyObject(reply);
    return decoded;
}

/* `texts` must outlive the words. */
static void add_commit(struct words *words, const struct commit *commit, struct text payload, struct slot_texts *texts)
{
    words_add(words, commit->incarnation);
    words_add(words, commit->cluster);
    words_add(words, commit->commit_id);
    words_add(words, commit->after);
    words_add_number(words, commit->expected);
    words_add_number(words, commit->next);
    words_add_number(words, commit->ledger->consumed);
    words_add_text(words, payload);
    slot_encode_commit(commit, texts, words);
}

/* The words of a commit; `texts` and the scratch must outlive them. */
static bool write_commit(struct redis_store *redis, const struct commit *commit, struct words *words,
                         struct slot_texts *texts, struct error *error)
{
    if (commit->commit_id[0] == '\0' || strlen(commit->commit_id) >= COMMIT_ID_MAX || strchr(commit->commit_id, ':'))
        return error_set(error, ERROR_INTERNAL, "a commit id that is empty, too long or has a colon");
    if (commit->alarm && strlen(commit->alarm) >= ALARM_SIZE)
        return error_set(error, ERROR_INTERNAL, "an alarm that is too long");
    buffer_clear(&redis->payload);
    if (!commit_encode(commit, &redis->payload, error))
        return false;
    begin_call(redis, words, REDIS_FUNCTION_COMMIT, commit->id);
    add_commit(words, commit, buffer_text(&redis->payload), texts);
    return !redis->key.failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool commit_alone(struct redis_store *redis, const struct commit *commit, struct commit_outcome *ret_outcome,
                         struct error *error)
{
    struct words words;
    struct slot_texts texts;
    redisReply *reply;
    return write_commit(redis, commit, &words, &texts, error) && call(redis, commit->id, &words, &reply, error) &&
           take_outcome(redis, commit->id, reply, ret_outcome, error);
}

/* How many are on their way; fewer than all: *error says why. */
static size_t send_commits(struct redis_store *redis, const struct commit commits[], size_t count, struct error *error)
{
    struct words words;
    struct slot_texts texts;
    for (size_t i = 0; i < count; i++)
        if (!write_commit(redis, &commits[i], &words, &texts, error) ||
            !redis_connection_send(&redis->connection, words.texts, words.count, error))
            return i;
    return count;
}

/* Replies that nobody takes any more go with the connection. */
static bool commit_pipelined(struct redis_store *redis, const struct commit commits[], size_t count,
                             struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    struct error unsent;
    redisReply *reply;
    *ret_answered = 0;
    if (!redis_connection_make_ready(free_connection(redis), error))
        return false;
    size_t sent = send_commits(redis, commits, count, &unsent);
    for (size_t i = 0; i < sent; i++, ++*ret_answered) {
        if (!take(redis, commits[i].id, &reply, error))
            return false;
        if (!take_outcome(redis, commits[i].id, reply, &ret_outcomes[i], error)) {
            redis_connection_clean_up(&redis->connection);
            return false;
        }
    }
    if (sent < count)
        *error = unsent;
    return sent == count;
}

/* What gets an error reply is tried by itself: it may be that Redis has no functions yet. The next ones go together
 * again. */
static bool commit(struct realtime_store *store, const struct commit commits[], size_t count,
                   struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    struct redis_store *redis = of(store);
    *ret_answered = 0;
    while (*ret_answered < count) {
        size_t at = *ret_answered, answered = 0;
        if (count - at > 1) {
            bool done = commit_pipelined(redis, commits + at, count - at, ret_outcomes + at, &answered, error);
            *ret_answered += answered;
            if (done || error->code == ERROR_UNAVAILABLE)
                return done;
            at = *ret_answered;
        }
        if (!commit_alone(redis, &commits[at], &ret_outcomes[at], error))
            return false;
        ++*ret_answered;
    }
    return true;
}

static bool open_epoch(struct realtime_store *store, struct slot_id id, int64_t epoch, int64_t *ret_offset,
                       struct error *error)
{
    struct redis_store *redis = of(store);
    struct words words;
    redisReply *reply;
    begin_call(redis, &words, REDIS_FUNCTION_OPEN_EPOCH, id);
    words_add_number(&words, epoch);
    words_add_number(&words, epoch - 1);
    if (!call(redis, id, &words, &reply, error))
        return false;
    int64_t offset;
    bool decoded = (integer_parse(reply_text(reply), &offset) && offset >= -1) || strange_reply(redis, id, error);
    if (decoded)
        *ret_offset = offset;
    freeReplyObject(reply);
    return decoded;
}

static bool drop_epochs(struct realtime_store *store, struct slot_id id, int64_t last, struct error *error)
{
    struct redis_store *redis = of(store);
    struct words words;
    redisReply *reply;
    if (last < 0)
        return true;
    begin_call(redis, &words, REDIS_FUNCTION_DROP_EPOCHS, id);
    words_add_number(&words, last);
    if (!call(redis, id, &words, &reply, error))
        return false;
    freeReplyObject(reply);
    return true;
}

static bool forget(struct realtime_store *store, struct slot_id id, int64_t idle_s, bool *ret_done, struct error *error)
{
    struct redis_store *redis = of(store);
    struct words words;
    redisReply *reply;
    begin_call(redis, &words, REDIS_FUNCTION_FORGET, id);
    words_add_number(&words, idle_s);
    if (!call(redis, id, &words, &reply, error))
        return false;
    *ret_done = text_equal(reply_text(reply), text_of("OK"));
    freeReplyObject(reply);
    return true;
}

static bool replace(struct realtime_store *store, struct slot_id id, const char *by, bool *ret_done,
                    struct error *error)
{
    struct redis_store *redis = of(store);
    struct words words;
    redisReply *reply;
    begin_call(redis, &words, REDIS_FUNCTION_REPLACE, id);
    words_add(&words, by);
    if (!call(redis, id, &words, &reply, error))
        return false;
    *ret_done = text_equal(reply_text(reply), text_of("OK"));
    freeReplyObject(reply);
    return true;
}

static bool definitions(struct realtime_store *store, const char *source, int32_t partition,
                        struct slot_definitions *ret_definitions, struct error *error)
{
    struct redis_store *redis = of(store);
    struct slot_id id = {source, partition, ""};
    struct words words;
    redisReply *reply;
    begin_call(redis, &words, REDIS_FUNCTION_DEFINITIONS, id);
    if (!call(redis, id, &words, &reply, error))
        return false;
    bool decoded = definitions_decode(reply, ret_definitions) || strange_reply(redis, id, error);
    freeReplyObject(reply);
    return decoded;
}

/* Asks for what the reader lacks, or where parts were begun, for the next one. */
static void write_question(struct redis_store *redis, struct words *words, const struct slot_reader *reader,
                           const struct slot_parts *parts)
{
    const struct slot_reader *follower = parts->begun ? &parts->so_far : reader;
    bool follow = parts->begun || (!parts->whole && reader_can_follow(reader));
    begin_call(redis, words, REDIS_FUNCTION_READ, reader->id);
    words_add(words, follow ? follower->slot.incarnation : "");
    words_add_number(words, follower->slot.sequence);
    words_add(words, follower->slot.commit_id);
    words_add_number(words, redis->part_fields);
    slot_parts_ask(parts, words);
}

/* Of readers that have what changes can be added to; the first one that hasn't, and those behind it, ask for
 * themselves. */
static bool ask(struct realtime_store *store, struct slot_reader *const readers[], size_t count, struct error *error)
{
    struct redis_store *redis = of(store);
    if (!redis_connection_make_ready(free_connection(redis), error))
        return false;
    for (size_t i = 0; i < count && i < ASKED_MAX && reader_can_follow(readers[i]); i++) {
        struct slot_parts parts;
        struct words words;
        slot_parts_init(&parts, readers[i]->id, readers[i]->source);
        write_question(redis, &words, readers[i], &parts);
        bool sent = !redis->key.failed && redis_connection_send(&redis->connection, words.texts, words.count, error);
        slot_parts_clean_up(&parts);
        if (!sent) {
            free_connection(redis);
            return redis->key.failed ? error_set(error, ERROR_INTERNAL, "out of memory") : false;
        }
        redis->asked.readers[redis->asked.count++] = readers[i];
    }
    return true;
}

/* The answer that is on its way, or else to a question of its own. */
static bool get_part(struct redis_store *redis, const struct slot_reader *reader, const struct slot_parts *parts,
                     redisReply **ret_reply, struct error *error)
{
    struct words words;
    if (parts->begun || parts->whole || redis->asked.taken == redis->asked.count ||
        redis->asked.readers[redis->asked.taken] != reader) {
        write_question(redis, &words, reader, parts);
        return call(redis, reader->id, &words, ret_reply, error);
    }
    redis->asked.taken++;
    bool taken = take(redis, reader->id, ret_reply, error);
    if (!taken)
        redis->asked.count = redis->asked.taken = 0; /* the connection has ended */
    return taken;
}

static bool read_part(struct redis_store *redis, struct slot_reader *reader, struct slot_parts *parts, bool *ret_more,
                      struct error *error)
{
    redisReply *reply;
    uint64_t connection = redis->connection.number;
    if (!get_part(redis, reader, parts, &reply, error))
        return false;
    if (parts->begun && redis->connection.number != connection) {
        slot_parts_drop(parts); /* a cursor means nothing to a server that was started anew */
        *ret_more = true;
        freeReplyObject(reply);
        return true;
    }
    bool applied = read_apply(reader, parts, reply, ret_more, error) || in_slot(redis, reader->id, error);
    freeReplyObject(reply);
    return applied;
}

static bool read(struct realtime_store *store, struct slot_reader *reader, struct error *error)
{
    struct redis_store *redis = of(store);
    struct slot_parts parts;
    bool more = true, done = true;
    slot_parts_init(&parts, reader->id, reader->source);
    while (done && more) {
        done = read_part(redis, reader, &parts, &more, error);
        if (done && more && parts.beginnings > BEGINNINGS_MAX) {
            error_set(error, ERROR_UNAVAILABLE, "more commits come while it is read than Redis remembers");
            done = in_slot(redis, reader->id, error);
        }
    }
    slot_parts_clean_up(&parts);
    return done;
}

/* Where something else is at that key, nothing is known of news. */
static bool read_news(struct realtime_store *store, const char *source, char ret_news[SLOT_STATE_SIZE],
                      struct error *error)
{
    struct redis_store *redis = of(store);
    redisReply *reply;
    *ret_news = '\0';
    buffer_clear(&redis->key);
    buffer_appendf(&redis->key, "%s:news", redis->name_space);
    if (redis->key.failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    const struct text words[] = {text_of("HGET"), buffer_text(&redis->key), text_of(source)};
    if (!redis_connection_call(free_connection(redis), words, 3, &reply, error))
        return error->code == ERROR_DATA;
    struct text news = reply_text(reply);
    if (news.length < SLOT_STATE_SIZE)
        snprintf(ret_news, SLOT_STATE_SIZE, "%.*s", (int)news.length, news.data);
    freeReplyObject(reply);
    return true;
}

/* An error reply, as of a key that holds something else, says nothing of those behind it: `read` does. */
static bool take_digests(struct redis_store *redis, struct slot_reader *const readers[], size_t count,
                         bool ret_written[], struct error *error)
{
    for (size_t i = 0; i < count; i++)
        ret_written[i] = true;
    for (size_t i = 0; i < count; i++) {
        redisReply *reply;
        if (!redis_connection_take(&redis->connection, &reply, error))
            return error->code != ERROR_UNAVAILABLE;
        ret_written[i] = !*readers[i]->state || !text_equal(reply_text(reply), text_of(readers[i]->state));
        freeReplyObject(reply);
    }
    return true;
}

static bool find_written(struct realtime_store *store, struct slot_reader *const readers[], size_t count,
                         bool ret_written[], struct error *error)
{
    struct redis_store *redis = of(store);
    if (!redis_connection_make_ready(free_connection(redis), error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct text words[] = {text_of("HGET"), meta_key(redis, readers[i]->id), text_of("digest")};
        if (redis->key.failed)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        if (!redis_connection_send(&redis->connection, words, 3, error))
            return false;
    }
    return take_digests(redis, readers, count, ret_written, error);
}

static void destroy(struct realtime_store *store)
{
    if (!store)
        return;
    struct redis_store *redis = of(store);
    redis_connection_clean_up(&redis->connection);
    buffer_clean_up(&redis->key);
    buffer_clean_up(&redis->payload);
    free(redis->name_space);
    free(redis);
}

static const struct realtime_store_operations operations = {
    .read_slot = read_slot,
    .init = init,
    .commit = commit,
    .open_epoch = open_epoch,
    .drop_epochs = drop_epochs,
    .forget = forget,
    .replace = replace,
    .definitions = definitions,
    .ask = ask,
    .read = read,
    .read_news = read_news,
    .find_written = find_written,
    .destroy = destroy,
};

void redis_store_read_at_once(struct realtime_store *store, int64_t fields)
{
    of(store)->part_fields = fields;
}

bool redis_store_open(const char *url, const char *password, const char *name_space, struct realtime_store **ret_store,
                      struct error *error)
{
    struct redis_address address;
    if (!redis_address_make(url, password, &address, error))
        return false;
    struct redis_store *redis = calloc(1, sizeof *redis);
    if (!redis || !(redis->name_space = strdup(name_space))) {
        free(redis);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    redis->store.operations = &operations;
    redis->part_fields = PART_FIELDS;
    redis_connection_init(&redis->connection, &address);
    *ret_store = &redis->store;
    return true;
}
