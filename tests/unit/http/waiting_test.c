/* SPDX-License-Identifier: Apache-2.0
 * Answers that wait for something wait in threads of their own: nobody else waits for them. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka_test.h"
#include "http/server.h"

#define WAITING_MAX 32 /* at a time */

static struct http_server *server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool gate_is_open;
static int waiting; /* answers that were put aside, or are at work */

static void wait_for_gate(void)
{
    pthread_mutex_lock(&lock);
    while (!gate_is_open)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&lock);
    gate_is_open = open;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* /slow waits until the gate is open. */
static void answer(void *context, const struct request_head *head, struct reply *reply, const char **ret_route)
{
    (void)context;
    struct buffer body = {0};
    *ret_route = head->target;
    reply->waits = strcmp(head->target, "/slow") == 0 && !head->may_wait;
    pthread_mutex_lock(&lock);
    waiting += reply->waits;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    if (reply->waits)
        return;
    if (head->may_wait)
        wait_for_gate();
    buffer_appendf(&body, "%s\n", head->may_wait ? "slow" : "quick");
    reply_with(reply, 200, "text/plain", &body);
}

static int start(void **state)
{
    (void)state;
    struct error error;
    const struct http_handler handler = {.answer = answer};
    const struct http_server_options options = {
        .address = {"127.0.0.1", 0}, .threads = 1, .waiting_threads = 2, .connections_max = 100};
    waiting = 0;
    set_gate(false);
    return http_server_start(&options, &handler, &server, &error) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    set_gate(true);
    http_server_stop(server);
    return 0;
}

static int ask(const char *target)
{
    char request[100];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(server))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", target);
    assert_int_equal(send(descriptor, request, (size_t)length, MSG_NOSIGNAL), length);
    return descriptor;
}

static void assert_answered(int descriptor, const char *status, const char *word)
{
    char got[4096];
    size_t length = 0;
    for (ssize_t more; (more = recv(descriptor, got + length, sizeof got - 1 - length, 0)) > 0;)
        length += (size_t)more;
    got[length] = '\0';
    close(descriptor);
    if (strncmp(got, status, strlen(status)) != 0 || !strstr(got, word))
        fail_msg("not %s with %s: %s", status, word, got);
}

static void wait_for_waiting(int count)
{
    pthread_mutex_lock(&lock);
    while (waiting < count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void others_are_answered_meanwhile_by_the_only_thread(void **state)
{
    (void)state;
    int slow[5];
    for (int i = 0; i < 5; i++)
        slow[i] = ask("/slow");
    wait_for_waiting(5);
    assert_answered(ask("/quick"), "HTTP/1.1 200", "quick");
    set_gate(true);
    for (int i = 0; i < 5; i++)
        assert_answered(slow[i], "HTTP/1.1 200", "slow");
}

static void one_too_many_is_told_to_come_again(void **state)
{
    (void)state;
    int slow[WAITING_MAX];
    for (int i = 0; i < WAITING_MAX; i++)
        slow[i] = ask("/slow");
    wait_for_waiting(WAITING_MAX);
    assert_answered(ask("/slow"), "HTTP/1.1 503", "Retry-After: 5\r\n");
    set_gate(true);
    for (int i = 0; i < WAITING_MAX; i++)
        assert_answered(slow[i], "HTTP/1.1 200", "slow");
    assert_answered(ask("/slow"), "HTTP/1.1 200", "slow");
}

static void client_that_leaves_harms_nobody(void **state)
{
    (void)state;
    close(ask("/slow"));
    wait_for_waiting(1);
    int slow = ask("/slow");
    wait_for_waiting(2);
    set_gate(true);
    assert_answered(slow, "HTTP/1.1 200", "slow");
}

static void *stop_server(void *unused)
{
    (void)unused;
    http_server_stop(server);
    return NULL;
}

/* Two are at work, and end; the third had no time. */
static void server_that_stops_waits_for_those_at_work_only(void **state)
{
    (void)state;
    int slow[3];
    pthread_t stopping;
    for (int i = 0; i < 3; i++) {
        slow[i] = ask("/slow");
        wait_for_waiting(i + 1);
    }
    assert_int_equal(pthread_create(&stopping, NULL, stop_server, NULL), 0);
    set_gate(true);
    pthread_join(stopping, NULL);
    for (int i = 0; i < 3; i++)
        close(slow[i]);
    assert_int_equal(start(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(others_are_answered_meanwhile_by_the_only_thread, start, stop),
        cmocka_unit_test_setup_teardown(one_too_many_is_told_to_come_again, start, stop),
        cmocka_unit_test_setup_teardown(client_that_leaves_harms_nobody, start, stop),
        cmocka_unit_test_setup_teardown(server_that_stops_waits_for_those_at_work_only, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
