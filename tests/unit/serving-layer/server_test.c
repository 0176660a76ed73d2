/* SPDX-License-Identifier: Apache-2.0
 * The HTTP server over real sockets. */
#include "serving_fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/connections.h"
#include "http/server.h"

struct listening {
    struct bench bench;
    struct http_server *server;
};

static int start(void **state)
{
    struct listening *listening = calloc(1, sizeof *listening);
    static const char *const origins[] = {"https://board.example"};
    const struct http_server_options options = {
        .address = {"127.0.0.1", 0}, .threads = 2, .connections_max = CONNECTIONS_MAX, .origins = {origins, 1}};
    *state = listening;
    bench_start(&listening->bench, 1 << 30);
    fake_begin(0, 1, 0);
    bench_follow(&listening->bench);
    const struct http_handler handler = route_handler(&listening->bench.serving);
    return http_server_start(&options, &handler, &listening->server, NULL) ? 0 : -1;
}

static int stop(void **state)
{
    struct listening *listening = *state;
    http_server_stop(listening->server);
    bench_stop(&listening->bench);
    free(listening);
    return 0;
}

static int connect_to(const struct listening *listening)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(listening->server))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

/* Sends these bytes and gives all that comes until the server ends the connection. */
static const char *exchange(const struct listening *listening, const char *sent)
{
    static char got[65536];
    size_t length = 0;
    int descriptor = connect_to(listening);
    assert_int_equal(send(descriptor, sent, strlen(sent), MSG_NOSIGNAL), strlen(sent));
    for (ssize_t more; (more = recv(descriptor, got + length, sizeof got - 1 - length, 0)) > 0;)
        length += (size_t)more;
    got[length] = '\0';
    close(descriptor);
    return got;
}

static void assert_exchange(const struct listening *listening, const char *sent, const char *status, const char *word)
{
    const char *got = exchange(listening, sent);
    if (strncmp(got, status, strlen(status)) != 0 || !strstr(got, word))
        fail_msg("%s\ngot %s", sent, got);
}

#define CLOSE "Host: a\r\nConnection: close\r\n\r\n"

static void get_answers_and_head_has_the_same_headers_without_a_body(void **state)
{
    assert_exchange(*state, "GET /livez HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "\r\n\r\nok\n");
    const char *got = exchange(*state, "HEAD /livez HTTP/1.1\r\n" CLOSE);
    assert_non_null(strstr(got, "Content-Length: 3\r\n"));
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n");
}

static void headers_may_be_of_several_lines_and_have_blanks_behind_them(void **state)
{
    assert_exchange(*state, "GET /v1/views/daily HTTP/1.1\r\nAccept: image/png\r\nAccept: text/csv\r\n" CLOSE,
                    "HTTP/1.1 200", "\r\nContent-Type: text/csv");
    assert_exchange(*state, "GET /livez HTTP/1.1\r\nX-Request-Id: mine \t\r\n" CLOSE, "HTTP/1.1 200",
                    "\r\nX-Request-Id: mine\r\n");
}

static void a_problem_is_json_whatever_was_sent(void **state)
{
    assert_exchange(*state, "GET /v1/views/daily HTTP/1.1\r\nAccept: \xff\xc3\r\n" CLOSE, "HTTP/1.1 406",
                    ": \uFFFD\uFFFD\"}\n");
}

static void a_connection_takes_request_after_request(void **state)
{
    const char *got = exchange(*state, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\n" CLOSE);
    assert_non_null(strstr(got, "HTTP/1.1 200"));
    assert_non_null(strstr(got, "HTTP/1.1 404"));
}

static void other_methods_are_refused_with_those_that_are_allowed(void **state)
{
    assert_exchange(*state, "POST /v1/views HTTP/1.1\r\nContent-Length: 1\r\n" CLOSE "x", "HTTP/1.1 405",
                    "Allow: GET, HEAD\r\n");
    assert_exchange(*state, "OPTIONS * HTTP/1.1\r\n" CLOSE, "HTTP/1.1 405", "application/problem+json");
}

static void a_body_is_refused(void **state)
{
    assert_exchange(*state, "GET /livez HTTP/1.1\r\nContent-Length: 1\r\n" CLOSE "x", "HTTP/1.1 400", "no body");
    assert_exchange(*state, "GET /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n" CLOSE,
                    "HTTP/1.1 400", "both");
}

static void the_raw_address_is_what_is_read(void **state)
{
    assert_exchange(*state, "GET /livez%00 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400", "%00 is not allowed");
    assert_exchange(*state, "GET /v1/views/daily?from=%2 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400", "hexadecimal");
    assert_exchange(*state, "GET http://proxy/livez HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "ok");
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)); text++)
        count++;
    return count;
}

/* One answer, a problem document, and nothing behind it: what follows is no request. */
static void assert_refused_once(const struct listening *listening, const char *sent, const char *status)
{
    char requests[2000];
    snprintf(requests, sizeof requests, "%sGET /livez HTTP/1.1\r\n" CLOSE, sent);
    const char *got = exchange(listening, requests);
    const char *body = strstr(got, "\r\n\r\n{\"type\": \"about:blank\"");
    if (strncmp(got, status, strlen(status)) != 0 || occurrences(got, "\r\n\r\n") != 1 ||
        occurrences(got, "Content-Type: application/problem+json\r\n") != 1 ||
        occurrences(got, "Content-Length: ") != 1 || !body)
        fail_msg("%s\ngot %s", sent, got);
}

static void what_is_ambiguous_is_refused_once_and_ends_the_connection(void **state)
{
    static const char *const cases[] = {
        "GET /livez HTTP/1.1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\nHost: a/b\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
        "GET /livez HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello",
        "GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /livez\t HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused_once(*state, cases[i], "HTTP/1.1 400");
}

static void a_length_of_zero_is_no_body(void **state)
{
    const char *got = exchange(*state, "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0 \r\n\r\n"
                                       "GET /livez HTTP/1.1\r\nContent-Length: 000\r\n" CLOSE);
    assert_int_equal(occurrences(got, "HTTP/1.1 200"), 2);
}

/* The bytes of a request with this many of `piece` between beginning and end; the caller frees them. */
static char *repeat(const char *beginning, const char *piece, size_t times, const char *end)
{
    struct buffer request = {0};
    buffer_append_string(&request, beginning);
    for (size_t i = 0; i < times; i++)
        buffer_append_string(&request, piece);
    buffer_append_string(&request, end);
    assert_false(request.failed);
    char *bytes = strdup(buffer_string(&request));
    buffer_clean_up(&request);
    return bytes;
}

#define LETTERS_37 "abcdefghijklmnopqrstuvwxyz0123456789-"
#define LINE_OF_300 "X: " LETTERS_37 LETTERS_37 LETTERS_37 LETTERS_37 LETTERS_37 LETTERS_37 LETTERS_37 LETTERS_37 "\r\n"

static void requests_beyond_our_limits_are_refused_by_us(void **state)
{
    static const struct {
        const char *beginning, *piece;
        size_t times;
        const char *end, *status, *word;
    } cases[] = {
        {"GET /livez HTTP/1.1\r\nX: ", "x", 60000, "\r\n" CLOSE, "HTTP/1.1 200", "ok"},
        {"GET /livez HTTP/1.1\r\nX: ", "x", 70000, "\r\n" CLOSE, "HTTP/1.1 431", "65536 bytes"},
        {"GET /livez HTTP/1.1\r\n", LINE_OF_300, 219, CLOSE, "HTTP/1.1 431", "65536 bytes"},
        {"GET /livez HTTP/1.1\r\nX: ", "x", 300000, "\r\n" CLOSE, "HTTP/1.1 431", "Request Header Fields Too Large"},
        {"GET /livez HTTP/1.1\r\n", "Accept: a\r\n", 1000, CLOSE, "HTTP/1.1 200", "ok"},
        {"GET /livez HTTP/1.1\r\nCookie: ", "a=b;", 10000, "\r\n" CLOSE, "HTTP/1.1 200", "ok"},
        {"GET /", "a", 90000, " HTTP/1.1\r\n" CLOSE, "HTTP/1.1 414", "8192 bytes"},
        {"GET /livez?", "a&", 4000, " HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400", "given twice"},
        {"GET /livez?", "a&", 40000, " HTTP/1.1\r\n" CLOSE, "HTTP/1.1 414", "8192 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *request = repeat(cases[i].beginning, cases[i].piece, cases[i].times, cases[i].end);
        assert_exchange(*state, request, cases[i].status, cases[i].word);
        free(request);
    }
}

/* What the library refuses before it asks us: a page, but one whole answer, and the end. */
static void what_the_library_answers_is_one_answer_too(void **state)
{
    static const struct {
        const char *sent, *status;
    } cases[] = {
        {"GET /livez HTTP/9.9\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\n" CLOSE, "HTTP/1.1 505"},
        {"GET /livez HTTPS/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
        {"GET /livez\r\n\r\n", "HTTP/1.1 400"},
        {"GET /livez HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\nGET /livez HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = exchange(*state, cases[i].sent);
        if (strncmp(got, cases[i].status, strlen(cases[i].status)) != 0 || occurrences(got, "\r\n\r\n") != 1 ||
            occurrences(got, "Content-Length: ") != 1 || !strstr(got, "Connection: close\r\n"))
            fail_msg("%s\ngot %s", cases[i].sent, got);
    }
}

static void an_address_that_is_too_long_is_refused(void **state)
{
    static char request[20000];
    memset(request, 'a', 10000);
    memcpy(request, "GET /", 5);
    strcpy(request + 10000, " HTTP/1.1\r\n" CLOSE);
    assert_exchange(*state, request, "HTTP/1.1 414", "URI Too Long");
}

static void a_request_that_never_ends_is_ended(void **state)
{
    (void)state;
    int pair[2];
    char byte;
    struct connections *connections = connections_new(2);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct connection *connection = connections_add(connections, pair[0]);
    int64_t now_us = clock_monotonic_us();
    const int64_t limits_us[] = {US_PER_SECOND, 100 * US_PER_SECOND, 50 * US_PER_SECOND};
    connections_reap(connections, now_us + 40 * US_PER_SECOND, limits_us);
    assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1); /* still open: its thread hasn't begun with it */
    connection_mark(connection, CONNECTION_ASKS);
    connections_reap(connections, now_us, limits_us);
    assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1); /* it has just begun */
    connection_mark(connection, CONNECTION_ANSWERED);
    connections_reap(connections, now_us + 60 * US_PER_SECOND, limits_us);
    assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1); /* an answer may take longer, */
    connection_mark(connection, CONNECTION_RESTS);
    connections_reap(connections, now_us + 40 * US_PER_SECOND, limits_us);
    assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1); /* and so may the next request, until it begins */
    connection_mark(connection, CONNECTION_ASKS);
    connections_reap(connections, now_us + 40 * US_PER_SECOND, limits_us);
    assert_int_equal(recv(pair[1], &byte, 1, 0), 0);
    connections_remove(connections, connection);
    assert_int_equal(connections_count(connections), 0);
    connections_destroy(connections);
    close(pair[0]);
    close(pair[1]);
}

static void a_large_answer_is_packed_for_who_takes_it(void **state)
{
    assert_exchange(*state, "GET /openapi.json HTTP/1.1\r\nAccept-Encoding: br, gzip\r\n" CLOSE, "HTTP/1.1 200",
                    "Content-Encoding: gzip\r\n");
    assert_exchange(*state, "HEAD /openapi.json HTTP/1.1\r\nAccept-Encoding: *\r\n" CLOSE, "HTTP/1.1 200",
                    "Content-Encoding: gzip\r\n");
    static const char *const plain[] = {
        "GET /openapi.json HTTP/1.1\r\n" CLOSE, "GET /openapi.json HTTP/1.1\r\nAccept-Encoding: br, gzip;q=0\r\n" CLOSE,
        "GET /livez HTTP/1.1\r\nAccept-Encoding: gzip\r\n" CLOSE, /* too small to be worth it */
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        const char *got = exchange(*state, plain[i]);
        assert_null(strstr(got, "Content-Encoding"));
        assert_non_null(strstr(got, "Vary: Accept, Accept-Encoding, Authorization, Origin\r\n"));
    }
}

static void who_has_the_answer_isn_t_sent_it_again(void **state)
{
    char request[300], tag[64];
    const char *header = strstr(exchange(*state, "HEAD /v1/views/daily HTTP/1.1\r\n" CLOSE), "ETag: ");
    assert_non_null(header);
    assert_int_equal(sscanf(header, "ETag: %63s\r\n", tag), 1);
    snprintf(request, sizeof request,
             "GET /v1/views/daily HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: \"a\", %s\r\n" CLOSE, tag);
    const char *got = exchange(*state, request);
    assert_int_equal(strncmp(got, "HTTP/1.1 304", strlen("HTTP/1.1 304")), 0);
    assert_non_null(strstr(got, tag));
    assert_non_null(strstr(got, "Vary: Accept, Accept-Encoding, Authorization, Origin\r\n"));
    assert_null(strstr(got, "\r\nContent-Type"));
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n");
}

static void a_request_keeps_its_id_or_gets_one(void **state)
{
    assert_exchange(*state, "GET /livez HTTP/1.1\r\nX-Request-Id: a-7/b\r\n" CLOSE, "HTTP/1.1 200",
                    "X-Request-Id: a-7/b\r\n");
    assert_exchange(*state, "POST /livez HTTP/1.1\r\nX-Request-Id: a-8\r\n" CLOSE, "HTTP/1.1 405",
                    "X-Request-Id: a-8\r\n");
    char first[17], sent[300];
    const char *header = strstr(exchange(*state, "GET /livez HTTP/1.1\r\n" CLOSE), "X-Request-Id: ");
    assert_non_null(header);
    snprintf(first, sizeof first, "%s", header + strlen("X-Request-Id: "));
    assert_int_equal(strspn(first, "0123456789abcdef"), 16);
    assert_null(strstr(exchange(*state, "GET /livez HTTP/1.1\r\n" CLOSE), first));
    snprintf(sent, sizeof sent, "GET /livez HTTP/1.1\r\nX-Request-Id: %0200d\r\n" CLOSE, 0); /* too long to keep */
    assert_null(strstr(exchange(*state, sent), "X-Request-Id: 000000000000000000"));
    assert_null(strstr(exchange(*state, "GET /livez HTTP/1.1\r\nX-Request-Id: a b\r\n" CLOSE), "a b"));
}

static void assert_times(const char *got, const char *word, size_t times)
{
    if (occurrences(got, word) != times)
        fail_msg("not %zu times %s in %s", times, word, got);
}

/* All but the first are sent what is kept of it. */
static void a_kept_answer_is_sent_with_each_request_s_own_headers(void **state)
{
    const char *got = exchange(*state, "GET /v1/views/daily HTTP/1.1\r\nHost: a\r\nX-Request-Id: one\r\n\r\n"
                                       "GET /v1/views/daily HTTP/1.1\r\nHost: a\r\nX-Request-Id: two\r\n\r\n"
                                       "GET /v1/views/daily HTTP/1.1\r\nHost: a\r\nX-Request-Id: three\r\n"
                                       "Origin: https://board.example\r\n\r\n"
                                       "HEAD /v1/views/daily HTTP/1.1\r\nHost: a\r\nX-Request-Id: four\r\n\r\n"
                                       "GET /v1/views/daily HTTP/1.1\r\nX-Request-Id: five\r\n" CLOSE);
    static const char *const ids[] = {"one", "two", "three", "four", "five"};
    assert_times(got, "HTTP/1.1 200", 5);
    assert_times(got, "X-Request-Id: ", 5);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char header[40];
        snprintf(header, sizeof header, "X-Request-Id: %s\r\n", ids[i]);
        assert_times(got, header, 1);
    }
    assert_times(got, "ETag: W/", 5);
    assert_times(got, "Content-Type: application/json\r\n", 5);
    assert_times(got, "Access-Control-Allow-Origin: https://board.example\r\n", 1);
    assert_times(got, "{\"view\": \"daily\"", 4);
}

/* What is logged while this request is answered. */
static const char *logged(const struct listening *listening, const char *sent)
{
    static char lines[4000];
    FILE *file = tmpfile();
    int errors = dup(STDERR_FILENO);
    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    exchange(listening, sent);
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    dup2(errors, STDERR_FILENO);
    close(errors);
    rewind(file);
    lines[fread(lines, 1, sizeof lines - 1, file)] = '\0';
    fclose(file);
    return lines;
}

static void who_names_a_request_finds_it_in_the_log(void **state)
{
    assert_non_null(strstr(logged(*state, "GET /livez HTTP/1.1\r\nX-Request-Id: a-9/b\r\n" CLOSE),
                           "request a-9/b: GET /livez: 200 in "));
    assert_string_equal(logged(*state, "GET /livez HTTP/1.1\r\n" CLOSE), "");
    const char *lines = logged(*state, "GET /nothing HTTP/1.1\r\n" CLOSE), *request = strstr(lines, "request ");
    assert_non_null(request);
    assert_int_equal(strspn(request + strlen("request "), "0123456789abcdef"), 16);
    assert_non_null(strstr(request, ": GET /nothing: 404 in "));
}

static void pages_of_the_origins_named_may_read_the_answers(void **state)
{
    assert_exchange(*state, "GET /livez HTTP/1.1\r\nOrigin: https://board.example\r\n" CLOSE, "HTTP/1.1 200",
                    "Access-Control-Allow-Origin: https://board.example\r\n");
    assert_exchange(*state, "GET /nothing HTTP/1.1\r\nOrigin: https://board.example\r\n" CLOSE, "HTTP/1.1 404",
                    "Access-Control-Expose-Headers: ETag, Retry-After, Tidemark-Next");
    assert_exchange(*state,
                    "OPTIONS /v1/views HTTP/1.1\r\nOrigin: https://board.example\r\n"
                    "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n" CLOSE,
                    "HTTP/1.1 204", "Access-Control-Allow-Headers: Authorization, If-None-Match, Last-Event-ID");
    const char *got = exchange(*state, "GET /livez HTTP/1.1\r\nOrigin: https://board.example.evil\r\n" CLOSE);
    assert_null(strstr(got, "Access-Control"));
    got =
        exchange(*state, "OPTIONS /v1/views HTTP/1.1\r\nOrigin: null\r\nAccess-Control-Request-Method: GET\r\n" CLOSE);
    assert_null(strstr(got, "Access-Control"));
    assert_exchange(*state, "OPTIONS /v1/views HTTP/1.1\r\n" CLOSE, "HTTP/1.1 405", "Allow: GET, HEAD\r\n");
}

static void a_port_that_is_taken_is_said(void **state)
{
    struct listening *listening = *state;
    struct http_server *second;
    struct error error;
    const struct http_server_options options = {.address = {"127.0.0.1", http_server_port(listening->server)},
                                                .threads = 1,
                                                .connections_max = CONNECTIONS_MAX};
    const struct http_handler handler = route_handler(&listening->bench.serving);
    assert_false(http_server_start(&options, &handler, &second, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "127.0.0.1"));
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(get_answers_and_head_has_the_same_headers_without_a_body, start, stop),
        cmocka_unit_test_setup_teardown(headers_may_be_of_several_lines_and_have_blanks_behind_them, start, stop),
        cmocka_unit_test_setup_teardown(a_problem_is_json_whatever_was_sent, start, stop),
        cmocka_unit_test_setup_teardown(a_connection_takes_request_after_request, start, stop),
        cmocka_unit_test_setup_teardown(other_methods_are_refused_with_those_that_are_allowed, start, stop),
        cmocka_unit_test_setup_teardown(a_body_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(the_raw_address_is_what_is_read, start, stop),
        cmocka_unit_test_setup_teardown(what_is_ambiguous_is_refused_once_and_ends_the_connection, start, stop),
        cmocka_unit_test_setup_teardown(a_length_of_zero_is_no_body, start, stop),
        cmocka_unit_test_setup_teardown(requests_beyond_our_limits_are_refused_by_us, start, stop),
        cmocka_unit_test_setup_teardown(what_the_library_answers_is_one_answer_too, start, stop),
        cmocka_unit_test_setup_teardown(an_address_that_is_too_long_is_refused, start, stop),
        cmocka_unit_test(a_request_that_never_ends_is_ended),
        cmocka_unit_test_setup_teardown(a_large_answer_is_packed_for_who_takes_it, start, stop),
        cmocka_unit_test_setup_teardown(who_has_the_answer_isn_t_sent_it_again, start, stop),
        cmocka_unit_test_setup_teardown(a_request_keeps_its_id_or_gets_one, start, stop),
        cmocka_unit_test_setup_teardown(a_kept_answer_is_sent_with_each_request_s_own_headers, start, stop),
        cmocka_unit_test_setup_teardown(who_names_a_request_finds_it_in_the_log, start, stop),
        cmocka_unit_test_setup_teardown(pages_of_the_origins_named_may_read_the_answers, start, stop),
        cmocka_unit_test_setup_teardown(a_port_that_is_taken_is_said, start, stop),
    };
    return cmocka_run_group_tests(tests, make_views, NULL);
}
