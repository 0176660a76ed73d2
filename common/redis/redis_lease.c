/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/redis_lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "redis/connection.h"
#include "redis/words.h"

struct redis_lease {
    struct lease lease; /* first, so that one pointer is both */
    struct redis_connection connection;
    char *key;
    char holder[33]; /* by chance */
};

static struct redis_lease *of(struct lease *lease)
{
    return (struct redis_lease *)lease;
}

static bool is_holder(const struct redis_lease *lease, const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING &&
           text_equal((struct text){reply->str, reply->len}, text_of(lease->holder));
}

static bool call(struct redis_lease *lease, const struct text words[], size_t count, redisReply **ret_reply,
                 struct error *error)
{
    return redis_connection_call(&lease->connection, words, count, ret_reply, error);
}

static bool renew(struct redis_lease *lease, struct error *error)
{
    char length_ms[16];
    redisReply *reply;
    snprintf(length_ms, sizeof length_ms, "%d", LEASE_MS);
    const struct text words[] = {text_of("PEXPIRE"), text_of(lease->key), text_of(length_ms)};
    if (!call(lease, words, 3, &reply, error))
        return false;
    freeReplyObject(reply);
    return true;
}

/* Sets the key where nobody has, and is told who has. */
static bool hold(struct lease *base, bool *ret_held, struct error *error)
{
    struct redis_lease *lease = of(base);
    char length_ms[16];
    redisReply *reply;
    snprintf(length_ms, sizeof length_ms, "%d", LEASE_MS);
    const struct text words[] = {text_of("SET"), text_of(lease->key), text_of(lease->holder), text_of("NX"),
                                 text_of("GET"), text_of("PX"),       text_of(length_ms)};
    if (!call(lease, words, sizeof words / sizeof *words, &reply, error))
        return false;
    bool is_new = reply->type == REDIS_REPLY_NIL, is_ours = is_holder(lease, reply);
    freeReplyObject(reply);
    if (is_ours && !renew(lease, error))
        return false;
    *ret_held = is_new || is_ours;
    return true;
}

static void release(struct lease *base)
{
    struct redis_lease *lease = of(base);
    const struct text get[] = {text_of("GET"), text_of(lease->key)},
                      unlink[] = {text_of("UNLINK"), text_of(lease->key)};
    struct error unused = {0};
    redisReply *reply;
    if (!call(lease, get, 2, &reply, &unused))
        return;
    bool is_ours = is_holder(lease, reply);
    freeReplyObject(reply);
    if (is_ours && call(lease, unlink, 2, &reply, &unused))
        freeReplyObject(reply);
}

static void destroy(struct lease *base)
{
    struct redis_lease *lease = of(base);
    redis_connection_clean_up(&lease->connection);
    free(lease->key);
    free(lease);
}

bool redis_lease_open(const char *url, const char *password, const char *key, struct lease **ret_lease,
                      struct error *error)
{
    static const struct lease_operations operations = {.hold = hold, .release = release, .destroy = destroy};
    struct redis_address address;
    uint64_t holder[2];
    if (!redis_address_make(url, password, &address, error))
        return false;
    struct redis_lease *lease = calloc(1, sizeof *lease);
    char *copy = strdup(key);
    if (!lease || !copy || !random_bytes(holder, sizeof holder)) {
        free(lease);
        free(copy);
        return error_set(error, ERROR_INTERNAL, "out of memory, or of chance");
    }
    lease->lease.operations = &operations;
    lease->key = copy;
    snprintf(lease->holder, sizeof lease->holder, "%016" PRIx64 "%016" PRIx64, holder[0], holder[1]);
    redis_connection_init(&lease->connection, &address);
    *ret_lease = &lease->lease;
    return true;
}
