/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/acceptor.h"
#include "http/answer_pool.h"
#include "http/connections.h"
#include "http/kept_reply.h"
#include "http/request_id.h"
#include "http/response.h"
#include "http/target.h"

#define ANSWERS_WAITING_MAX 32
#define STREAMS_END_US US_PER_SECOND /* for streams to be told their end */

/* For the headers of a request, 64 bytes more for each of them, and those of its answer. Where a request doesn't fit,
 * the library answers by itself, with a page: so much more than our own limits that these come first. Not more, for the
 * library zeroes one and a half times as much for each request. */
#define CONNECTION_BYTES_MAX ((size_t)108 * 1024)

struct http_server {
    struct http_handler handler;
    struct MHD_Daemon **daemons; /* of a thread each */
    size_t daemon_count;
    struct acceptor *acceptor;
    struct connections *connections;
    unsigned connections_max;
    struct tls *tls; /* NULL: nothing is encrypted */
    struct origins origins;
    struct streams *streams;
    struct answer_pool *pool;                        /* NULL: no answer waits */
    int port;                                        /* 0: it is a unix socket */
    char *path;                                      /* of that; NULL: it has none */
    atomic_int_fast64_t logged_second, logged_lines; /* in that second */
};

/* Lives from the request line until the answer is sent. */
struct exchange {
    char *target;             /* as it came, cut behind the longest that is taken; NULL: memory was short */
    struct request_head head; /* its texts lie in the library's memory of the request */
    struct request_id id;
    bool checked;                  /* the library has called for it before */
    struct stream *stream;         /* what it is answered with, where that has no end */
    struct reply reply;            /* its body is moved to the library, but one that is kept */
    struct MHD_Response *response; /* as which it is sent, where that is to be put back; else NULL */
    /* Of an answer that waits, while the connection is suspended. */
    struct http_server *server;
    struct MHD_Connection *connection;
    int64_t since_us;
    const char *route;
    atomic_bool is_answered;
};

/* Of two headers with a name the library reads the first, and these are before all that was sent. */
static const char no_length[] = "0", no_cookie[] = "-";

/* The library reads lengths, cookies and parameters before it calls for an answer, and where it doesn't like them its
 * own answer is broken: the headers come twice, or it waits for ever. We need none of them from it: a body is always
 * refused, and the rest of the address is in `target`. `uri` lies in the library's own buffer. */
static void keep_from_library(struct MHD_Connection *connection, const char *uri)
{
    char *query = strchr((char *)(uintptr_t)uri, '?');
    if (query)
        query[1] = '\0';
    MHD_set_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH, no_length);
    MHD_set_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_COOKIE, no_cookie);
}

static struct connection *place_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void *begin_exchange(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)context;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange)
        exchange->target = strndup(uri, TARGET_BYTES_MAX + 1);
    keep_from_library(connection, uri);
    connection_mark(place_of(connection), CONNECTION_ASKS);
    return exchange;
}

static void end_exchange(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)code;
    struct exchange *exchange = *state;
    if (exchange) {
        if (exchange->response)
            kept_reply_put_response(exchange->reply.kept, exchange->response);
        stream_close(exchange->stream);
        reply_clean_up(&exchange->reply);
        request_head_clean_up(&exchange->head);
        free(exchange->target);
    }
    free(exchange);
    *state = NULL;
    connection_mark(place_of(connection), CONNECTION_RESTS);
}

/* The library keeps nothing of its own there but for keys that are shared beforehand. */
static void begin_session(const struct http_server *server, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        server->tls ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION) : NULL;
    if (info)
        tls_attach(server->tls, info->tls_session);
}

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info ? connections_find(server->connections, info->connect_fd) : NULL;
        connection_mark(*socket_context, CONNECTION_ASKS);
        begin_session(server, connection);
    } else {
        connections_remove(server->connections, *socket_context);
        *socket_context = NULL;
    }
}

/* Blanks behind a value are none of it (RFC 9110, 5.5), and the library leaves them there, in its own buffer. */
static const char *without_blanks_behind(const char *value)
{
    char *end = (char *)(uintptr_t)value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return value;
}

static enum MHD_Result note_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    if (value != no_length && value != no_cookie)
        request_head_note(context, name, without_blanks_behind(value));
    return MHD_YES;
}

static struct request_head head_of(const struct http_server *server, struct MHD_Connection *connection,
                                   const char *method, const char *target, const char *version)
{
    struct request_head head = {
        .method = method, .target = target, .version = version, .takes_preflight = server->origins.count > 0};
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (info)
        head.bytes = info->header_size;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, note_header, &head);
    return head;
}

/* Of requests that failed, and of those whose client named them; what is above the ceiling is only counted. */
#define LINES_A_SECOND 20

/* Whether one more line fits into this second. */
static bool may_log(struct http_server *server)
{
    int_fast64_t second = clock_monotonic_us() / US_PER_SECOND;
    int_fast64_t logged = atomic_load(&server->logged_second);
    if (logged != second && atomic_compare_exchange_strong(&server->logged_second, &logged, second))
        atomic_store(&server->logged_lines, 0);
    return atomic_fetch_add(&server->logged_lines, 1) < LINES_A_SECOND;
}

static void log_request(struct http_server *server, const struct exchange *exchange, unsigned status, int64_t took_us)
{
    bool matters = status >= 400 || exchange->id.given;
    log_write(matters && may_log(server) ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "request %s: %s %.*s: %u in %lld us",
              exchange->id.text, exchange->head.method, shown_length(exchange->target), exchange->target, status,
              (long long)took_us);
}

static void count(struct http_server *server, const struct exchange *exchange, const char *route, unsigned status,
                  int64_t since_us)
{
    const struct http_handler *handler = &server->handler;
    int64_t took_us = clock_monotonic_us() - since_us;
    if (handler->answered)
        handler->answered(handler->context, route, status, took_us);
    if (exchange)
        log_request(server, exchange, status, took_us);
}

static enum MHD_Result send_reply(const struct http_server *server, struct MHD_Connection *connection,
                                  struct exchange *exchange, struct reply *reply, bool close_connection)
{
    struct response_wishes wishes = {.close_connection = close_connection};
    if (exchange) {
        wishes.accept_encoding = exchange->head.accept_encoding;
        wishes.request_id = exchange->id.text;
        wishes.stream = exchange->stream;
        cross_origin_allow(&server->origins, exchange->head.origin, reply);
    }
    struct MHD_Response *response = response_new(reply, &wishes);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    if (exchange && response_is_kept(reply, &wishes))
        exchange->response = response;
    else
        MHD_destroy_response(response);
    return result;
}

/* `exchange` is NULL where there was no memory for it. */
static enum MHD_Result refuse(struct http_server *server, struct MHD_Connection *connection, struct exchange *exchange,
                              struct reply *reply, const struct problem *problem, bool close_connection)
{
    reply_problem(reply, problem);
    count(server, exchange, "other", reply->status, clock_monotonic_us());
    enum MHD_Result result = send_reply(server, connection, exchange, reply, close_connection);
    reply_clean_up(reply);
    return result;
}

#define RETRY_SECONDS "5" /* when somebody who found no room may ask again */

/* Begins the stream that the reply is, where it is asked for by more than its headers; or says that it can't be. */
static void begin_stream(struct http_server *server, struct MHD_Connection *connection, struct exchange *exchange,
                         struct reply *reply)
{
    const struct stream_source source = reply->stream;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct problem problem;
    if (!source.context || strcmp(exchange->head.method, "HEAD") == 0)
        return;
    reply->stream.context = NULL; /* whoever opens it closes it */
    exchange->stream = stream_open(server->streams, connection, info ? info->connect_fd : -1, &source);
    if (exchange->stream) {
        connection_mark(place_of(connection), CONNECTION_ENDLESS);
        return;
    }
    reply->cache_control = NULL;
    problem_set(&problem, 503, "there are as many event streams as there may be, see http.streams");
    buffer_append_string(reply_header(reply, "Retry-After"), RETRY_SECONDS);
    reply_problem(reply, &problem);
}

static void refuse_to_wait(struct reply *reply, const char *why)
{
    struct problem problem;
    reply_clean_up(reply);
    problem_set(&problem, 503, "%s", why);
    buffer_append_string(reply_header(reply, "Retry-After"), RETRY_SECONDS);
    reply_problem(reply, &problem);
}

/* By a thread of the pool, while the connection is suspended: its head and its place stay. */
static void answer_aside(void *item, bool is_ending)
{
    struct exchange *exchange = item;
    const struct http_handler *handler = &exchange->server->handler;
    exchange->head.may_wait = true;
    if (is_ending)
        refuse_to_wait(&exchange->reply, "the server is about to stop");
    else
        handler->answer(handler->context, &exchange->head, &exchange->reply, &exchange->route);
    atomic_store(&exchange->is_answered, true);
    MHD_resume_connection(exchange->connection);
}

/* False where there is no room for one more that waits. */
static bool put_aside(struct http_server *server, struct MHD_Connection *connection, struct exchange *exchange)
{
    if (!server->pool || !answer_pool_reserve(server->pool))
        return false;
    exchange->server = server;
    exchange->connection = connection;
    MHD_suspend_connection(connection);
    answer_pool_give(server->pool, exchange);
    return true;
}

static enum MHD_Result finish(struct http_server *server, struct MHD_Connection *connection, struct exchange *exchange)
{
    struct reply *reply = &exchange->reply;
    begin_stream(server, connection, exchange, reply);
    count(server, exchange, exchange->route, reply->status, exchange->since_us);
    return send_reply(server, connection, exchange, reply, false);
}

static enum MHD_Result give_answer(struct http_server *server, struct MHD_Connection *connection,
                                   struct exchange *exchange)
{
    const struct http_handler *handler = &server->handler;
    struct reply *reply = &exchange->reply;
    if (atomic_load(&exchange->is_answered))
        return finish(server, connection, exchange);
    exchange->route = "other";
    exchange->since_us = clock_monotonic_us();
    if (handler->arrived)
        handler->arrived(handler->context, connections_count(server->connections));
    if (request_head_is_preflight(&exchange->head))
        cross_origin_preflight(&server->origins, exchange->head.origin, reply);
    else
        handler->answer(handler->context, &exchange->head, reply, &exchange->route);
    if (reply->waits) {
        reply->waits = false;
        if (put_aside(server, connection, exchange))
            return MHD_YES;
        refuse_to_wait(reply, "as many answers wait already as there may be");
    }
    return finish(server, connection, exchange);
}

/* The library's callback: called first when the headers are complete, and again when the request is. An answer to the
 * first call ends the connection, so that is for requests that are refused. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)url, (void)upload, (void)upload_size;
    struct http_server *server = context;
    struct exchange *exchange = *state;
    struct reply reply = {0};
    struct problem problem;
    bool close_connection;
    if (exchange && exchange->checked)
        return give_answer(server, connection, exchange);
    connection_mark(place_of(connection), CONNECTION_ANSWERED);
    if (!exchange || !exchange->target) {
        problem_memory(&problem);
        return refuse(server, connection, NULL, &reply, &problem, true);
    }
    exchange->head = head_of(server, connection, method, exchange->target, version);
    exchange->id = request_id_take(exchange->head.request_id);
    if (!request_head_check(&exchange->head, &reply, &problem, &close_connection))
        return refuse(server, connection, exchange, &reply, &problem, close_connection);
    exchange->checked = true;
    return MHD_YES;
}

/* What is behind the first MHD_OPTION_END isn't read. Each may have all connections, and as many that it is about to
 * end: whether there is room is known before one is taken in. */
static struct MHD_Daemon *start_daemon(struct http_server *server)
{
    const bool encrypts = server->tls != NULL;
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                                (encrypts ? MHD_USE_TLS : MHD_NO_FLAG),
                            0, NULL, NULL, answer, server, MHD_OPTION_CONNECTION_LIMIT, 2 * server->connections_max,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)REST_SECONDS_MAX,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES_MAX, MHD_OPTION_URI_LOG_CALLBACK,
                            begin_exchange, server, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, server,
                            MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
                            encrypts ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, tls_show,
                            MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES, MHD_OPTION_END);
}

static bool start_daemons(struct http_server *server, size_t threads)
{
    server->daemons = calloc(threads, sizeof server->daemons[0]);
    for (; server->daemons && server->daemon_count < threads; server->daemon_count++)
        if (!(server->daemons[server->daemon_count] = start_daemon(server)))
            return false;
    return server->daemons != NULL;
}

/* NULL where memory is short. */
static struct http_server *server_new(const struct http_server_options *options, const struct http_handler *handler)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->handler = *handler;
    server->connections_max = options->connections_max;
    server->tls = options->tls;
    server->origins = options->origins;
    server->streams = options->streams;
    server->connections = connections_new(options->connections_max);
    bool done = server->connections != NULL;
    if (done && listen_is_path(&options->address))
        done = (server->path = strdup(options->address.host)) != NULL;
    if (done)
        return server;
    http_server_stop(server);
    return NULL;
}

bool http_server_start(const struct http_server_options *options, const struct http_handler *handler,
                       struct http_server **ret_server, struct error *error)
{
    int descriptor;
    if (!listen_open(&options->address, &descriptor, error))
        return false;
    struct http_server *server = server_new(options, handler);
    if (server && options->waiting_threads > 0 &&
        !answer_pool_start(options->waiting_threads, ANSWERS_WAITING_MAX, answer_aside, &server->pool, error)) {
        close(descriptor);
        http_server_stop(server);
        return false;
    }
    if (!server || !start_daemons(server, (size_t)options->threads) ||
        !acceptor_start(descriptor, server->daemons, server->daemon_count, server->connections, &server->acceptor)) {
        close(descriptor);
        http_server_stop(server);
        return error_set(error, ERROR_INTERNAL, "can't start the HTTP server");
    }
    server->port = listen_port(descriptor);
    *ret_server = server;
    return true;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_reap(struct http_server *server)
{
    bool crowded = connections_count(server->connections) > server->connections_max / 4 * 3;
    const int64_t limits_us[CONNECTION_STAGES] = {
        [CONNECTION_ASKS] = (crowded ? CROWDED_SECONDS_MAX : REQUEST_SECONDS_MAX) * US_PER_SECOND,
        [CONNECTION_ANSWERED] = ANSWER_SECONDS_MAX * US_PER_SECOND,
        [CONNECTION_RESTS] = (crowded ? CROWDED_SECONDS_MAX : REST_SECONDS_MAX) * US_PER_SECOND};
    connections_reap(server->connections, clock_monotonic_us(), limits_us);
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    if (server->path)
        unlink(server->path);
    answer_pool_end(server->pool);
    if (server->streams)
        streams_end(server->streams, clock_monotonic_us() + STREAMS_END_US);
    acceptor_stop(server->acceptor);
    for (size_t i = 0; i < server->daemon_count; i++)
        MHD_stop_daemon(server->daemons[i]);
    free(server->daemons);
    answer_pool_destroy(server->pool);
    connections_destroy(server->connections);
    free(server->path);
    free(server);
}
