/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/redis_sink.h"

#include <stdlib.h>
#include <string.h>

#include "redis/connection.h"
#include "redis/words.h"

#define SCAN_AT_ONCE "1000"
#define UNANSWERED_MAX 500 /* commands that are sent before their replies are taken */

struct redis_sink {
    struct sink_store store; /* first, so that one pointer is both */
    struct redis_connection connection;
    struct buffer key;
};

/* The commands of one transaction on their way. */
struct redis_sending {
    struct redis_sink *sink;
    struct words words; /* of the next command */
    size_t unanswered;
    struct error *error;
};

static struct redis_sink *of(struct sink_store *store)
{
    return (struct redis_sink *)store;
}

static struct text key_of(const struct redis_sink *sink)
{
    return buffer_text(&sink->key);
}

static bool call(struct redis_sink *sink, const struct text words[], size_t count, redisReply **ret_reply,
                 struct error *error)
{
    return redis_connection_call(&sink->connection, words, count, ret_reply, error);
}

/* The statement, or nothing, behind what `out` has. */
static bool read_statement(struct redis_sink *sink, struct buffer *out, struct error *error)
{
    const struct text words[] = {text_of("HGET"), key_of(sink), text_of(REDIS_SINK_STATEMENT)};
    redisReply *reply;
    if (!call(sink, words, 3, &reply, error))
        return false;
    if (reply->type == REDIS_REPLY_STRING)
        buffer_append(out, reply->str, reply->len);
    freeReplyObject(reply);
    return !out->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

/* Whether the key is free, or a hash that an emitter wrote. */
static bool check_key(struct redis_sink *sink, bool is_stated, bool restarts, struct error *error)
{
    const struct text type[] = {text_of("TYPE"), key_of(sink)};
    redisReply *reply;
    if (!call(sink, type, 2, &reply, error))
        return false;
    bool is_none = strcmp(reply->str, "none") == 0, is_hash = strcmp(reply->str, "hash") == 0;
    freeReplyObject(reply);
    if (!is_none && !is_hash)
        return error_set(error, ERROR_CONFIGURATION, "the key %s holds something else than a hash: name another",
                         buffer_string(&sink->key));
    return is_none || is_stated || restarts ||
           error_set(error, ERROR_CONFIGURATION,
                     "the hash %s has fields, and no " REDIS_SINK_STATEMENT
                     " that says of what they are: name another, or take it over with --restart, which removes them",
                     buffer_string(&sink->key));
}

static bool open_sink(struct sink_store *store, bool restarts, struct buffer *ret_statement, struct error *error)
{
    struct redis_sink *sink = of(store);
    return check_key(sink, true, restarts, error) && read_statement(sink, ret_statement, error) &&
           check_key(sink, ret_statement->length > 0, restarts, error);
}

static bool has(struct sink_store *store, struct text statement, bool *ret_has, struct error *error)
{
    struct buffer found = {0};
    bool done = read_statement(of(store), &found, error);
    if (done)
        *ret_has = text_equal(buffer_text(&found), statement);
    buffer_clean_up(&found);
    return done;
}

/* --- reading --- */

static bool take_fields(const redisReply *fields, held_row_take *take, void *context)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *name = fields->element[i], *content = fields->element[i + 1];
        const struct text text = {name->str, name->len};
        if (!text_equal(text, text_of(REDIS_SINK_STATEMENT)) &&
            !take(context, text,
                  (struct row_version){.content = sink_row_hash((struct text){content->str, content->len})}))
            return false;
    }
    return true;
}

static bool is_scan(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_STRING &&
           reply->element[0]->len < 24 && reply->element[1]->type == REDIS_REPLY_ARRAY;
}

/* One step of the scan; `cursor` is the next one's, "0" behind the last. */
static bool scan(struct redis_sink *sink, char cursor[24], held_row_take *take, void *context, struct error *error)
{
    const struct text words[] = {text_of("HSCAN"), key_of(sink), text_of(cursor), text_of("COUNT"),
                                 text_of(SCAN_AT_ONCE)};
    redisReply *reply;
    if (!call(sink, words, 5, &reply, error))
        return false;
    bool done = is_scan(reply);
    if (!done)
        error_set(error, ERROR_INTERNAL, "%s: HSCAN answers strangely", sink->connection.name);
    else if (!(done = take_fields(reply->element[1], take, context)))
        error_set(error, ERROR_INTERNAL, "out of memory");
    if (done)
        memcpy(cursor, reply->element[0]->str, reply->element[0]->len + 1);
    freeReplyObject(reply);
    return done;
}

static bool list(struct sink_store *store, held_row_take *take, void *context, struct error *error)
{
    char cursor[24] = "0";
    do {
        if (!scan(of(store), cursor, take, context, error))
            return false;
    } while (strcmp(cursor, "0") != 0);
    return true;
}

/* --- writing --- */

/* Takes the replies of what was sent; *ret_last is the last one's, the caller's to free. */
static bool take_replies(struct redis_sending *sending, redisReply **ret_last)
{
    redisReply *reply = NULL;
    for (; sending->unanswered > 0; sending->unanswered--) {
        if (reply)
            freeReplyObject(reply);
        if (!redis_connection_take(&sending->sink->connection, &reply, sending->error))
            return false;
    }
    *ret_last = reply;
    return true;
}

static bool send_words(struct redis_sending *sending)
{
    redisReply *last = NULL;
    if (!redis_connection_send(&sending->sink->connection, sending->words.texts, sending->words.count, sending->error))
        return false;
    sending->words.count = 0;
    if (++sending->unanswered < UNANSWERED_MAX)
        return true;
    if (!take_replies(sending, &last))
        return false;
    if (last)
        freeReplyObject(last);
    return true;
}

static void begin_words(struct redis_sending *sending, const char *command)
{
    sending->words.count = 0;
    words_add(&sending->words, command);
    words_add_text(&sending->words, key_of(sending->sink));
}

/* Fills commands with the rows that are there, or with those that have vanished. */
static bool send_rows(struct redis_sending *sending, const struct micro_batch *batch, bool are_there)
{
    const char *command = are_there ? "HSET" : "HDEL";
    begin_words(sending, command);
    for (size_t i = 0; i < batch->count; i++) {
        const struct sink_row *row = &batch->rows[i];
        if ((row->content.data != NULL) != are_there)
            continue;
        if (sending->words.count + 2 > WORDS_MAX) {
            if (!send_words(sending))
                return false;
            begin_words(sending, command);
        }
        words_add_text(&sending->words, row->name);
        if (are_there)
            words_add_text(&sending->words, row->content);
    }
    return sending->words.count == 2 || send_words(sending);
}

static bool send_word(struct redis_sending *sending, const char *command)
{
    sending->words.count = 0;
    words_add(&sending->words, command);
    return send_words(sending);
}

static bool send_statement(struct redis_sending *sending, const struct micro_batch *batch)
{
    begin_words(sending, "HSET");
    words_add(&sending->words, REDIS_SINK_STATEMENT);
    words_add_text(&sending->words, batch->statement);
    return send_words(sending);
}

static bool send_removal(struct redis_sending *sending, const struct micro_batch *batch)
{
    begin_words(sending, "UNLINK");
    return !batch->restarts || send_words(sending);
}

/* All commands, and EXEC, whose reply is nothing where the hash was changed since it was watched. */
static bool execute(struct redis_sink *sink, const struct micro_batch *batch, struct error *error)
{
    struct redis_sending sending = {.sink = sink, .error = error};
    redisReply *reply = NULL;
    if (!send_word(&sending, "MULTI") || !send_removal(&sending, batch) || !send_rows(&sending, batch, false) ||
        !send_rows(&sending, batch, true) || !send_statement(&sending, batch) || !send_word(&sending, "EXEC") ||
        !take_replies(&sending, &reply))
        return false;
    bool done = !reply || reply->type == REDIS_REPLY_ARRAY;
    if (reply)
        freeReplyObject(reply);
    return done || error_set(error, ERROR_TRY_AGAIN, "another process wrote the hash");
}

static bool write_batch(struct sink_store *store, const struct micro_batch *batch, struct error *error)
{
    struct redis_sink *sink = of(store);
    const struct text watch[] = {text_of("WATCH"), key_of(sink)};
    bool is_before = false;
    redisReply *reply;
    if (!call(sink, watch, 2, &reply, error))
        return false;
    freeReplyObject(reply);
    uint64_t number = sink->connection.number;
    if (!has(store, batch->before, &is_before, error))
        return false;
    if (number != sink->connection.number)
        return error_set(error, ERROR_UNAVAILABLE, "%s: the connection was lost", sink->connection.name);
    return is_before ? execute(sink, batch, error)
                     : error_set(error, ERROR_TRY_AGAIN, "another process wrote the hash, or it was emptied");
}

static void destroy(struct sink_store *store)
{
    struct redis_sink *sink = of(store);
    redis_connection_clean_up(&sink->connection);
    buffer_clean_up(&sink->key);
    free(sink);
}

bool redis_sink_open(const char *url, const char *password, const char *prefix, const char *name,
                     struct sink_store **ret_store, struct error *error)
{
    static const struct sink_store_operations operations = {
        .open = open_sink, .list = list, .has = has, .write = write_batch, .destroy = destroy};
    struct redis_address address;
    if (!redis_address_make(url, password, &address, error))
        return false;
    struct redis_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_appendf(&sink->key, "%s:%s", prefix, name);
    if (sink->key.failed) {
        destroy(&sink->store);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    sink->store = (struct sink_store){.operations = &operations, .form = ROW_JSON, .is_mended = true};
    redis_connection_init(&sink->connection, &address);
    *ret_store = &sink->store;
    return true;
}
