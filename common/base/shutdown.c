/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shutdown.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static atomic_bool requested;
static atomic_int_least64_t requested_us; /* by the monotonic clock, of the first request; 0: none */
static int descriptor = -1;

static _Thread_local int64_t own_end_us; /* 0: none */

static struct watch {
    int64_t deadline_us;
    void (*leave)(void);
} watch;

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
    return atomic_load(&requested) || (own_end_us && clock_monotonic_us() >= own_end_us);
}

void shutdown_end_thread_at(int64_t monotonic_us)
{
    own_end_us = monotonic_us;
}

int64_t shutdown_thread_end_us(void)
{
    return own_end_us ? own_end_us : INT64_MAX;
}

void shutdown_request(void)
{
    int_least64_t never = 0;
    atomic_compare_exchange_strong(&requested_us, &never, clock_monotonic_us());
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
    int64_t left_ms = own_end_us ? (own_end_us - clock_monotonic_us()) / 1000 + 1 : timeout_ms;
    timeout_ms = left_ms < timeout_ms ? left_ms : timeout_ms;
    if (!shutdown_requested())
        poll(&wait, 1, timeout_ms < 0 ? 0 : (int)timeout_ms);
    return !shutdown_requested();
}

int64_t shutdown_left_us(int64_t requested_at_us, int64_t deadline_us, int64_t now_us)
{
    int64_t left_us = requested_at_us + deadline_us - now_us;
    return left_us > 0 ? left_us : 0;
}

static void *watch_shutdown(void *context)
{
    (void)context;
    struct pollfd asked = {.fd = descriptor, .events = POLLIN};
    while (!shutdown_requested())
        poll(&asked, 1, -1);
    for (;;) {
        int64_t left_us = shutdown_left_us(atomic_load(&requested_us), watch.deadline_us, clock_monotonic_us());
        if (left_us == 0)
            break;
        struct timespec rest = {.tv_sec = left_us / US_PER_SECOND, .tv_nsec = left_us % US_PER_SECOND * 1000};
        nanosleep(&rest, NULL);
    }
    watch.leave();
    return NULL;
}

bool shutdown_watch(int64_t deadline_us, void (*leave)(void))
{
    pthread_t thread;
    watch = (struct watch){deadline_us, leave};
    if (pthread_create(&thread, NULL, watch_shutdown, NULL) != 0)
        return false;
    pthread_setname_np(thread, "shutdown");
    pthread_detach(thread);
    return true;
}
