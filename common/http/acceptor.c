/* SPDX-License-Identifier: Apache-2.0 */
#include "http/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORTAGE_MS 100 /* until memory or descriptors are asked for again */

struct acceptor {
    int descriptor;
    struct MHD_Daemon *const *daemons;
    size_t daemon_count, next;
    struct connections *connections;
    pthread_t thread;
};

/* The library closes what it can't take. */
static void hand_over(struct acceptor *acceptor, int descriptor, const struct sockaddr *address, socklen_t size)
{
    struct MHD_Daemon *daemon = acceptor->daemons[acceptor->next++ % acceptor->daemon_count];
    struct connection *place = connections_add(acceptor->connections, descriptor);
    if (MHD_add_connection(daemon, descriptor, address, size) != MHD_YES)
        connections_remove(acceptor->connections, place);
}

/* Waits for whoever comes, or, where memory or descriptors are short, a while. */
static void wait_for_next(const struct acceptor *acceptor, int cause)
{
    const bool is_idle = cause == EAGAIN;
    struct pollfd waited = {.fd = acceptor->descriptor, .events = is_idle ? POLLIN : 0};
    poll(&waited, 1, is_idle ? -1 : SHORTAGE_MS);
}

static bool is_passing(int cause)
{
    return cause == EINTR || cause == ECONNABORTED || cause == EPROTO || cause == EPERM;
}

static void *take_in(void *context)
{
    struct acceptor *acceptor = context;
    while (connections_wait_for_place(acceptor->connections)) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        const int descriptor =
            accept4(acceptor->descriptor, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor >= 0)
            hand_over(acceptor, descriptor, (struct sockaddr *)&address, size);
        else if (!is_passing(errno))
            wait_for_next(acceptor, errno);
    }
    return NULL;
}

bool acceptor_start(int descriptor, struct MHD_Daemon *const daemons[], size_t daemon_count,
                    struct connections *connections, struct acceptor **ret_acceptor)
{
    struct acceptor *acceptor = malloc(sizeof *acceptor);
    if (!acceptor)
        return false;
    *acceptor = (struct acceptor){
        .descriptor = descriptor, .daemons = daemons, .daemon_count = daemon_count, .connections = connections};
    if (pthread_create(&acceptor->thread, NULL, take_in, acceptor) != 0) {
        free(acceptor);
        return false;
    }
    *ret_acceptor = acceptor;
    return true;
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (!acceptor)
        return;
    connections_close(acceptor->connections);
    shutdown(acceptor->descriptor, SHUT_RDWR); /* whoever waits for the next one finds it closed */
    pthread_join(acceptor->thread, NULL);
    close(acceptor->descriptor);
    free(acceptor);
}
