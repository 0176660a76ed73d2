/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/connection.h"

#include <errno.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/shutdown.h"
#include "redis/functions.h"
#include "redis/reply_error.h"
#include "redis/words.h"

#define CONNECT_TIMEOUT_S 2
#define COMMAND_TIMEOUT_S 5
#define LEAVING_TIMEOUT_S 2 /* of a command that is sent once a shutdown was requested */
#define POLICY_CHECK_US (10 * US_PER_SECOND)

void redis_connection_init(struct redis_connection *connection, const struct redis_address *address)
{
    *connection = (struct redis_connection){.address = *address};
    if (address->is_socket)
        snprintf(connection->name, sizeof connection->name, "Redis at %s", address->place);
    else
        snprintf(connection->name, sizeof connection->name, "Redis at %s:%u", address->place, address->port);
}

static void disconnect(struct redis_connection *connection)
{
    if (connection->context)
        redisFree(connection->context);
    connection->context = NULL;
}

void redis_connection_clean_up(struct redis_connection *connection)
{
    disconnect(connection);
}

static bool connection_lost(struct redis_connection *connection, struct error *error)
{
    const redisContext *context = connection->context;
    if (!context)
        error_set(error, ERROR_INTERNAL, "out of memory");
    else if (context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        error_set(error, ERROR_UNAVAILABLE, "%s: no answer within %d s", connection->name, connection->timeout_s);
    else if (connection->limit.exceeded)
        error_set(error, ERROR_UNAVAILABLE, "%s: answered with a list of more than %d elements", connection->name,
                  REPLY_ELEMENTS_MAX);
    else
        error_set(error, ERROR_UNAVAILABLE, "%s: %s", connection->name, context->errstr);
    disconnect(connection);
    return false;
}

/* For what is sent next. Whoever is asked to end has less time to wait. */
static void set_timeout(struct redis_connection *connection)
{
    int timeout_s = shutdown_requested() ? LEAVING_TIMEOUT_S : COMMAND_TIMEOUT_S;
    if (timeout_s == connection->timeout_s)
        return;
    redisSetTimeout(connection->context, (struct timeval){.tv_sec = timeout_s});
    connection->timeout_s = timeout_s;
}

/* Puts a command behind those that wait to be sent, on a context that is there. */
static bool append(struct redis_connection *connection, const struct text words[], size_t count, struct error *error)
{
    const char *data[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    for (size_t i = 0; i < count; i++) {
        data[i] = words[i].length ? words[i].data : "";
        lengths[i] = words[i].length;
    }
    set_timeout(connection);
    errno = 0;
    return redisAppendCommandArgv(connection->context, (int)count, data, lengths) == REDIS_OK ||
           connection_lost(connection, error);
}

/* Sends what waits, and takes the next reply. An error reply isn't an error here. */
static bool receive(struct redis_connection *connection, redisReply **ret_reply, struct error *error)
{
    void *reply;
    errno = 0;
    if (redisGetReply(connection->context, &reply) != REDIS_OK || !reply)
        return connection_lost(connection, error);
    *ret_reply = reply;
    return true;
}

static bool send_and_receive(struct redis_connection *connection, const struct text words[], size_t count,
                             redisReply **ret_reply, struct error *error)
{
    return append(connection, words, count, error) && receive(connection, ret_reply, error);
}

/* Ends with an error where the reply is one; else the reply is the caller's. A new connection follows every error: the
 * next one may lead to another server. */
static bool accept_reply(struct redis_connection *connection, redisReply *reply, redisReply **ret_reply,
                         struct error *error)
{
    if (reply->type != REDIS_REPLY_ERROR) {
        *ret_reply = reply;
        return true;
    }
    reply_error_set(error, (struct text){reply->str, reply->len});
    error_context(error, "%s", connection->name);
    freeReplyObject(reply);
    disconnect(connection);
    return false;
}

static bool run(struct redis_connection *connection, const struct text words[], size_t count, redisReply **ret_reply,
                struct error *error)
{
    redisReply *reply = NULL;
    return send_and_receive(connection, words, count, &reply, error) &&
           accept_reply(connection, reply, ret_reply, error);
}

static bool run_and_forget(struct redis_connection *connection, const struct text words[], size_t count,
                           struct error *error)
{
    redisReply *reply;
    if (!run(connection, words, count, &reply, error))
        return false;
    freeReplyObject(reply);
    return true;
}

static bool log_in(struct redis_connection *connection, struct error *error)
{
    const struct redis_address *address = &connection->address;
    struct text words[3] = {text_of("AUTH")};
    size_t count = 1;
    if (address->user[0])
        words[count++] = text_of(address->user);
    words[count++] = text_of(address->password);
    return (!address->user[0] && !address->password[0]) || run_and_forget(connection, words, count, error);
}

static bool select_database(struct redis_connection *connection, struct error *error)
{
    char number[8];
    snprintf(number, sizeof number, "%u", connection->address.database);
    struct text words[] = {text_of("SELECT"), text_of(number)};
    return connection->address.database == 0 || run_and_forget(connection, words, 2, error);
}

/* "maxmemory_policy:noeviction" as a line of INFO's text; empty where there is no such line. */
static struct text find_policy(struct text info)
{
    static const char name[] = "maxmemory_policy:";
    const char *at = memmem(info.data, info.length, name, sizeof name - 1);
    if (!at)
        return (struct text){"", 0};
    const char *from = at + sizeof name - 1;
    size_t length = 0;
    while (from + length < info.data + info.length && (unsigned char)from[length] > ' ')
        length++;
    return (struct text){from, length};
}

static bool check_policy(struct redis_connection *connection, struct error *error)
{
    struct text words[] = {text_of("INFO"), text_of("memory")};
    redisReply *reply;
    if (!run(connection, words, 2, &reply, error))
        return false;
    bool is_text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
    struct text policy = find_policy(is_text ? (struct text){reply->str, reply->len} : (struct text){"", 0});
    bool fits = text_equal(policy, text_of("noeviction"));
    if (fits)
        connection->checked_us = clock_monotonic_us();
    else
        error_set(error, ERROR_CONFIGURATION,
                  "%s: its maxmemory-policy is %.*s, which may evict what sums are made of: set maxmemory-policy "
                  "noeviction",
                  connection->name, policy.length < 40 ? (int)policy.length : 40, policy.data);
    freeReplyObject(reply);
    if (!fits)
        disconnect(connection);
    return fits;
}

static void set_socket_options(redisContext *context)
{
    if (context->connection_type != REDIS_CONN_TCP)
        return;
    redisEnableKeepAlive(context);
    unsigned user_timeout_ms = COMMAND_TIMEOUT_S * 1000;
    setsockopt(context->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
}

static bool connect_afresh(struct redis_connection *connection, struct error *error)
{
    const struct redis_address *address = &connection->address;
    struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT_S};
    errno = 0;
    connection->context = address->is_socket ? redisConnectUnixWithTimeout(address->place, timeout)
                                             : redisConnectWithTimeout(address->place, address->port, timeout);
    if (!connection->context || connection->context->err)
        return connection_lost(connection, error);
    connection->number++;
    connection->timeout_s = 0;
    connection->context->reader->maxbuf = 0;
    reply_limit_set(&connection->limit, connection->context->reader);
    set_socket_options(connection->context);
    return log_in(connection, error) && select_database(connection, error) && check_policy(connection, error);
}

/* While no answer is due, what can be read is the end of the connection: it died while it was idle. */
static bool has_ended(const redisContext *context)
{
    struct pollfd socket = {context->fd, POLLIN, 0};
    return poll(&socket, 1, 0) != 0;
}

bool redis_connection_make_ready(struct redis_connection *connection, struct error *error)
{
    if (connection->context && has_ended(connection->context))
        disconnect(connection);
    if (!connection->context)
        return connect_afresh(connection, error);
    return clock_monotonic_us() - connection->checked_us < POLICY_CHECK_US || check_policy(connection, error);
}

/* Another program may load the library at the same moment: then it is there already, which is as good. */
static bool load_functions(struct redis_connection *connection, struct error *error)
{
    struct text words[] = {text_of("FUNCTION"), text_of("LOAD"), text_of(redis_functions)};
    redisReply *reply = NULL;
    if (!send_and_receive(connection, words, 3, &reply, error))
        return false;
    bool is_there = reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "already exists");
    if (!is_there && !accept_reply(connection, reply, &reply, error))
        return false;
    freeReplyObject(reply);
    return true;
}

bool redis_connection_call(struct redis_connection *connection, const struct text words[], size_t count,
                           redisReply **ret_reply, struct error *error)
{
    redisReply *reply = NULL;
    if (count > WORDS_MAX)
        return error_set(error, ERROR_INTERNAL, "a Redis command of %zu words", count);
    if (!redis_connection_make_ready(connection, error) || !send_and_receive(connection, words, count, &reply, error))
        return false;
    if (reply->type == REDIS_REPLY_ERROR && reply_is_unknown_function((struct text){reply->str, reply->len})) {
        freeReplyObject(reply);
        if (!load_functions(connection, error) || !send_and_receive(connection, words, count, &reply, error))
            return false;
    }
    return accept_reply(connection, reply, ret_reply, error);
}

static bool is_there(const struct redis_connection *connection, struct error *error)
{
    return connection->context || error_set(error, ERROR_UNAVAILABLE, "%s: the connection was lost", connection->name);
}

bool redis_connection_send(struct redis_connection *connection, const struct text words[], size_t count,
                           struct error *error)
{
    return is_there(connection, error) && append(connection, words, count, error);
}

bool redis_connection_take(struct redis_connection *connection, redisReply **ret_reply, struct error *error)
{
    redisReply *reply = NULL;
    return is_there(connection, error) && receive(connection, &reply, error) &&
           accept_reply(connection, reply, ret_reply, error);
}
