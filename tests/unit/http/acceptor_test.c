/* SPDX-License-Identifier: Apache-2.0
 * Connections are taken in while there is room, and given to the threads in turn. */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka_test.h"
#include "http/connections.h"
#include "http/server.h"

#define THREADS 2
#define PLACES 6

static struct http_server *server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t answerer;  /* of the last answer */
static size_t most_at_once; /* connections */

static void answer(void *context, const struct request_head *head, struct reply *reply, const char **ret_route)
{
    (void)context;
    *ret_route = head->target;
    pthread_mutex_lock(&lock);
    answerer = pthread_self();
    pthread_mutex_unlock(&lock);
    reply_constant(reply, "text/plain", "done\n");
}

static void arrived(void *context, size_t connections)
{
    (void)context;
    pthread_mutex_lock(&lock);
    if (connections > most_at_once)
        most_at_once = connections;
    pthread_mutex_unlock(&lock);
}

static int start(void **state)
{
    (void)state;
    struct error error;
    const struct http_handler handler = {.answer = answer, .arrived = arrived};
    const struct http_server_options options = {
        .address = {"127.0.0.1", 0}, .threads = THREADS, .connections_max = PLACES};
    most_at_once = 0;
    return http_server_start(&options, &handler, &server, &error) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    http_server_stop(server);
    return 0;
}

static int connect_and_ask(void)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(server))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(descriptor, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return descriptor;
}

/* Waits for the whole answer. */
static void assert_answered(int descriptor)
{
    char got[4096] = "";
    size_t length = 0;
    while (!strstr(got, "\r\n\r\ndone\n")) {
        ssize_t more = recv(descriptor, got + length, sizeof got - 1 - length, 0);
        assert_true(more > 0);
        length += (size_t)more;
        got[length] = '\0';
    }
    assert_int_equal(strncmp(got, "HTTP/1.1 200", strlen("HTTP/1.1 200")), 0);
}

static pthread_t thread_that_answered(void)
{
    pthread_mutex_lock(&lock);
    pthread_t thread = answerer;
    pthread_mutex_unlock(&lock);
    return thread;
}

static void threads_have_as_many_connections(void **state)
{
    (void)state;
    int connections[PLACES];
    pthread_t threads[PLACES];
    for (int i = 0; i < PLACES; i++) {
        assert_answered(connections[i] = connect_and_ask());
        threads[i] = thread_that_answered();
    }
    for (int i = 1; i < PLACES; i++)
        assert_false(pthread_equal(threads[i], threads[i - 1]));
    for (int i = THREADS; i < PLACES; i++)
        assert_true(pthread_equal(threads[i], threads[i - THREADS]));
    for (int i = 0; i < PLACES; i++)
        close(connections[i]);
}

static void who_finds_no_room_waits_until_another_leaves(void **state)
{
    (void)state;
    int connections[PLACES], late[PLACES];
    for (int i = 0; i < PLACES; i++)
        assert_answered(connections[i] = connect_and_ask());
    for (int i = 0; i < PLACES; i++)
        late[i] = connect_and_ask();
    for (int i = 0; i < PLACES; i++) {
        close(connections[i]);
        assert_answered(late[i]);
    }
    assert_int_equal(most_at_once, PLACES);
    for (int i = 0; i < PLACES; i++)
        close(late[i]);
}

/* Its end hangs where the thread that waits for room isn't told. */
static void server_without_room_can_be_stopped(void **state)
{
    int connections[PLACES + 1];
    for (int i = 0; i < PLACES; i++)
        assert_answered(connections[i] = connect_and_ask());
    connections[PLACES] = connect_and_ask();
    stop(state);
    for (int i = 0; i <= PLACES; i++)
        close(connections[i]);
    assert_int_equal(start(state), 0);
}

static void place_of_one_that_ended_unseen_is_that_of_the_next_with_its_descriptor(void **state)
{
    (void)state;
    struct connections *connections = connections_new(2);
    struct connection *unseen = connections_add(connections, 7);
    assert_ptr_equal(connections_add(connections, 7), unseen);
    assert_int_equal(connections_count(connections), 1);
    assert_ptr_equal(connections_find(connections, 7), unseen);
    struct connection *other = connections_add(connections, 8);
    assert_ptr_not_equal(other, unseen);
    assert_null(connections_add(connections, 9));
    connections_remove(connections, other);
    assert_null(connections_find(connections, 8));
    assert_true(connections_wait_for_place(connections));
    connections_close(connections);
    assert_false(connections_wait_for_place(connections));
    connections_destroy(connections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_have_as_many_connections, start, stop),
        cmocka_unit_test_setup_teardown(who_finds_no_room_waits_until_another_leaves, start, stop),
        cmocka_unit_test_setup_teardown(server_without_room_can_be_stopped, start, stop),
        cmocka_unit_test(place_of_one_that_ended_unseen_is_that_of_the_next_with_its_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
