/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shutdown.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool requested;
static int descriptor = -1;

static void on_signal(int number)
{
    if (atomic_load(&requested))
        _exit(128 + number);
    shutdown_request();
}

void shutdown_install(void)
{
    descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool shutdown_requested(void)
{
    return atomic_load(&requested);
}

void shutdown_request(void)
{
    atomic_store(&requested, true);
    uint64_t one = 1;
    if (descriptor >= 0 && write(descriptor, &one, sizeof one) < 0)
        return; /* full: readable already */
}

int shutdown_descriptor(void)
{
    return descriptor;
}

bool shutdown_sleep(int64_t timeout_ms)
{
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    if (!shutdown_requested())
        poll(&wait, 1, timeout_ms < 0 ? 0 : (int)timeout_ms);
    return !shutdown_requested();
}
