/* SPDX-License-Identifier: Apache-2.0 */
#include "http/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define ANSWER_MAX 4096 /* what is longer is cut */

struct probe_exchange {
    int descriptor;
    int64_t until_us;
    char answer[ANSWER_MAX];
};

static bool wait_for(const struct probe_exchange *exchange, short events, struct error *error)
{
    struct pollfd wait = {.fd = exchange->descriptor, .events = events};
    int64_t left_us = exchange->until_us - clock_monotonic_us();
    int ready = left_us > 0 ? poll(&wait, 1, (int)(left_us / 1000) + 1) : 0;
    if (ready < 0)
        return error_set(error, ERROR_INTERNAL, "poll: %s", strerror(errno));
    return ready > 0 || error_set(error, ERROR_TRY_AGAIN, "it listens and doesn't answer");
}

static bool await_connection(const struct probe_exchange *exchange, struct error *error)
{
    int cause = 0;
    socklen_t size = sizeof cause;
    if (!wait_for(exchange, POLLOUT, error))
        return false;
    getsockopt(exchange->descriptor, SOL_SOCKET, SO_ERROR, &cause, &size);
    return cause == 0 || error_set(error, ERROR_UNAVAILABLE, "%s", strerror(cause));
}

static bool ask(const struct probe_exchange *exchange, struct error *error)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    size_t sent = 0;
    while (sent < sizeof request - 1) {
        if (!wait_for(exchange, POLLOUT, error))
            return false;
        ssize_t more = send(exchange->descriptor, request + sent, sizeof request - 1 - sent, MSG_NOSIGNAL);
        if (more < 0 && errno != EAGAIN && errno != EINTR)
            return error_set(error, ERROR_UNAVAILABLE, "%s", strerror(errno));
        sent += more > 0 ? (size_t)more : 0;
    }
    return true;
}

static bool take_answer(struct probe_exchange *exchange, struct error *error)
{
    size_t length = 0;
    while (length < ANSWER_MAX - 1) {
        if (!wait_for(exchange, POLLIN, error))
            return false;
        ssize_t more = recv(exchange->descriptor, exchange->answer + length, ANSWER_MAX - 1 - length, 0);
        if (more < 0 && errno != EAGAIN && errno != EINTR)
            return error_set(error, ERROR_UNAVAILABLE, "%s", strerror(errno));
        if (more == 0)
            break;
        length += more > 0 ? (size_t)more : 0;
    }
    exchange->answer[length] = '\0';
    return true;
}

/* The lines of the body as one. */
static bool judge(char *answer, struct error *error)
{
    char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || !body)
        return error_set(error, ERROR_TRY_AGAIN, "what listens there isn't this program");
    if (strncmp(answer + 9, "200", 3) == 0)
        return true;
    body += 4;
    body[strcspn(body, "\r")] = '\0';
    for (size_t length = strlen(body); length > 0 && body[length - 1] == '\n';)
        body[--length] = '\0';
    for (char *end = body; (end = strchr(end, '\n'));)
        *end = ';';
    return error_set(error, ERROR_TRY_AGAIN, "%s", *body ? body : "it doesn't say why");
}

bool probe_address(const struct listen_address *address, int64_t timeout_ms, struct error *error)
{
    struct probe_exchange exchange = {.descriptor = -1, .until_us = clock_monotonic_us() + timeout_ms * 1000};
    struct error reason = {0};
    bool connected = listen_connect(address, &exchange.descriptor, &reason) && await_connection(&exchange, &reason);
    if (!connected && reason.code == ERROR_UNAVAILABLE)
        error_set(error, ERROR_UNAVAILABLE, "nobody answers at %s%s: %s", listen_is_path(address) ? "unix://" : "",
                  address->host, reason.message);
    else if (!connected)
        error_set(error, reason.code, "%s", reason.message);
    bool works = connected && ask(&exchange, error) && take_answer(&exchange, error) && judge(exchange.answer, error);
    if (exchange.descriptor >= 0)
        close(exchange.descriptor);
    return works;
}

int probe_report(const char *program, bool works, const struct error *error)
{
    if (!works)
        fprintf(stderr, "%s: %s\n", program, error->message);
    return works ? 0 : 1;
}
