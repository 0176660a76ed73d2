/* SPDX-License-Identifier: Apache-2.0
 * Answers every request with the same bytes, by libmicrohttpd alone: the speed that its users cannot exceed.
 *
 * usage: bare_handler BYTES THREADS [BUFFER [NAME VALUE]...]
 *
 * BUFFER: of each connection, in bytes, as the library's own would be without it. NAME VALUE: a header of each answer.
 * Prints its port, and answers on the loopback address until it is ended. As tidemark-serving does, it takes
 * connections in by itself and gives each thread as many. */
#include <microhttpd.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct constant {
    char *bytes;
    size_t length;
    char **headers; /* names and values in turn, NULL-ended */
};

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
    const struct constant *constant = context;
    if (!*state) { /* the headers are there, the request isn't whole: an answer now would end the connection */
        *state = context;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(constant->length, constant->bytes, MHD_RESPMEM_PERSISTENT);
    for (char **at = constant->headers; *at; at += 2)
        MHD_add_response_header(response, at[0], at[1]);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* A socket that listens at any port, which is printed. */
static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, size) != 0 || listen(descriptor, 1024) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
        return -1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return descriptor;
}

int main(int argc, char *argv[])
{
    if (argc < 3 || (argc > 4 && argc % 2 != 0))
        return 64;
    struct constant constant = {.length = strtoul(argv[1], NULL, 10), .headers = argv + (argc < 4 ? argc : 4)};
    size_t buffer = argc > 3 ? strtoul(argv[3], NULL, 10) : 32 * 1024; /* the library's default */
    unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
    constant.bytes = malloc(constant.length + 1);
    if (!constant.bytes)
        return 70;
    memset(constant.bytes, 'x', constant.length);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, answer, &constant,
                         MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         buffer, MHD_OPTION_END);
    const int listener = daemon ? listen_anywhere() : -1;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    for (int descriptor; (descriptor = accept(listener, (struct sockaddr *)&from, &size)) >= 0; size = sizeof from)
        MHD_add_connection(daemon, descriptor, (struct sockaddr *)&from, size);
    return 70;
}
