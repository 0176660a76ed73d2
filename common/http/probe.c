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
    gnutls_session_t session; /* NULL: nothing is encrypted */
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

/* What send and recv give, also of a session; where it has to wait, for what it waits. */
static ssize_t put(const struct probe_exchange *exchange, const char *bytes, size_t size)
{
    return exchange->session ? gnutls_record_send(exchange->session, bytes, size)
                             : send(exchange->descriptor, bytes, size, MSG_NOSIGNAL);
}

static ssize_t take(const struct probe_exchange *exchange, char *bytes, size_t size)
{
    return exchange->session ? gnutls_record_recv(exchange->session, bytes, size)
                             : recv(exchange->descriptor, bytes, size, 0);
}

/* Whether what was given is no failure, or one that waiting helps. */
static bool is_fine_or_early(const struct probe_exchange *exchange, ssize_t given, struct error *error)
{
    if (given >= 0)
        return true;
    if (exchange->session && !gnutls_error_is_fatal((int)given))
        return true;
    if (!exchange->session && (errno == EAGAIN || errno == EINTR))
        return true;
    return error_set(error, ERROR_UNAVAILABLE, "%s", exchange->session ? gnutls_strerror((int)given) : strerror(errno));
}

static bool ask(const struct probe_exchange *exchange, struct error *error)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    size_t sent = 0;
    while (sent < sizeof request - 1) {
        if (!wait_for(exchange, POLLOUT, error))
            return false;
        ssize_t more = put(exchange, request + sent, sizeof request - 1 - sent);
        if (!is_fine_or_early(exchange, more, error))
            return false;
        sent += more > 0 ? (size_t)more : 0;
    }
    return true;
}

/* Of a session it waits only where nothing that has come is left to be decrypted. */
static bool take_answer(struct probe_exchange *exchange, struct error *error)
{
    size_t length = 0;
    while (length < ANSWER_MAX - 1) {
        bool is_there = exchange->session && gnutls_record_check_pending(exchange->session) > 0;
        if (!is_there && !wait_for(exchange, POLLIN, error))
            return false;
        ssize_t more = take(exchange, exchange->answer + length, ANSWER_MAX - 1 - length);
        if (more == 0 || more == GNUTLS_E_PREMATURE_TERMINATION)
            break;
        if (!is_fine_or_early(exchange, more, error))
            return false;
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

static bool connect_to(struct probe_exchange *exchange, const struct listen_address *address, struct error *error)
{
    struct error reason = {0};
    if (listen_connect(address, &exchange->descriptor, &reason) && await_connection(exchange, &reason))
        return true;
    if (reason.code == ERROR_UNAVAILABLE)
        return error_set(error, ERROR_UNAVAILABLE, "nobody answers at %s%s: %s",
                         listen_is_path(address) ? "unix://" : "", address->host, reason.message);
    return error_set(error, reason.code, "%s", reason.message);
}

static bool shake_hands(const struct probe_exchange *exchange, struct error *error)
{
    int result;
    while ((result = gnutls_handshake(exchange->session)) != 0) {
        if (gnutls_error_is_fatal(result))
            return error_set(error, ERROR_TRY_AGAIN, "what listens there speaks no TLS with us: %s",
                             gnutls_strerror(result));
        bool writes = gnutls_record_get_direction(exchange->session);
        if (!wait_for(exchange, writes ? POLLOUT : POLLIN, error))
            return false;
    }
    return true;
}

/* Nobody vouches for the certificate: it is known, or whatever is shown will do. */
static bool encrypt(struct probe_exchange *exchange, gnutls_certificate_credentials_t nobody,
                    const struct certificate *pinned, struct error *error)
{
    if (gnutls_init(&exchange->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0) {
        exchange->session = NULL;
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    if (gnutls_priority_set_direct(exchange->session, TLS_PRIORITIES, NULL) != 0 ||
        gnutls_credentials_set(exchange->session, GNUTLS_CRD_CERTIFICATE, nobody) != 0)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    gnutls_transport_set_int(exchange->session, exchange->descriptor);
    if (!shake_hands(exchange, error))
        return false;
    return !pinned || certificate_is_shown(pinned, exchange->session) ||
           error_set(error, ERROR_TRY_AGAIN, "what listens there shows another certificate than the configured one");
}

static bool exchange_with(struct probe_exchange *exchange, const struct probe_target *target, struct error *error)
{
    gnutls_certificate_credentials_t nobody = NULL;
    if (target->encrypts && gnutls_certificate_allocate_credentials(&nobody) != 0)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool works = connect_to(exchange, &target->address, error) &&
                 (!target->encrypts || encrypt(exchange, nobody, target->pinned, error)) && ask(exchange, error) &&
                 take_answer(exchange, error) && judge(exchange->answer, error);
    if (exchange->session)
        gnutls_deinit(exchange->session);
    if (nobody)
        gnutls_certificate_free_credentials(nobody);
    return works;
}

bool probe_ask(const struct probe_target *target, int64_t timeout_ms, struct error *error)
{
    struct probe_exchange exchange = {.descriptor = -1, .until_us = clock_monotonic_us() + timeout_ms * 1000};
    bool works = exchange_with(&exchange, target, error);
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
