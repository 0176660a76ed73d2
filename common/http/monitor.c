/* SPDX-License-Identifier: Apache-2.0 */
#include "http/monitor.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/notify.h"
#include "base/ticker.h"
#include "http/probe.h"
#include "http/runtime_folder.h"
#include "http/server.h"

#define CONNECTIONS_MAX 32
#define PROCESSES_MAX 64 /* of one configuration on one machine that have a socket each */

struct monitor {
    struct health health;
    struct http_server *server;
    struct buffer address;
    struct ticker ticker;
};

/* The socket of the process with this number, from 1 on. */
static void append_socket(const struct monitor_place *place, int number, struct buffer *out)
{
    char path[PATH_MAX];
    const char *name = realpath(place->configuration, path) ? path : place->configuration;
    runtime_folder_append(out);
    buffer_appendf(out, "/%s-%016" PRIx64, place->program, (uint64_t)XXH3_64bits(name, strlen(name)));
    if (number > 1)
        buffer_appendf(out, "-%d", number);
    buffer_append_string(out, ".sock");
}

static void answer(void *context, const struct request_head *head, struct reply *reply, const char **ret_route)
{
    health_route(context, head->target, reply, ret_route);
}

static bool start_at(struct monitor *monitor, const struct listen_address *address, struct error *error)
{
    const struct http_server_options options = {.address = *address, .threads = 1, .connections_max = CONNECTIONS_MAX};
    const struct http_handler handler = {.answer = answer, .context = &monitor->health};
    if (!http_server_start(&options, &handler, &monitor->server, error))
        return false;
    if (listen_is_path(address))
        buffer_appendf(&monitor->address, "unix://%s", address->host);
    else
        buffer_appendf(&monitor->address, "%s:%d", address->host, http_server_port(monitor->server));
    return true;
}

/* The first number that no other process has. */
static bool start_in_folder(struct monitor *monitor, const struct monitor_place *place, struct error *error)
{
    struct buffer path = {0};
    runtime_folder_append(&path);
    bool started = false, made = runtime_folder_make(buffer_string(&path), error);
    for (int number = 1; made && !started && number <= PROCESSES_MAX; number++) {
        buffer_clear(&path);
        append_socket(place, number, &path);
        started = start_at(monitor, &(struct listen_address){.host = buffer_string(&path)}, error);
    }
    buffer_clean_up(&path);
    return started;
}

static bool is_alive(const struct monitor *monitor)
{
    return !monitor->health.is_alive || monitor->health.is_alive(monitor->health.context);
}

/* Ends connections that hang, and tells systemd's watchdog that the program is alive. */
static int64_t watch(void *context)
{
    struct monitor *monitor = context;
    http_server_reap(monitor->server);
    if (is_alive(monitor))
        notify_alive();
    return clock_monotonic_us() + US_PER_SECOND;
}

bool monitor_start(const struct monitor_place *place, const struct health *health, struct monitor **ret_monitor,
                   struct error *error)
{
    struct monitor *monitor = calloc(1, sizeof *monitor);
    if (!monitor)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    monitor->health = *health;
    ticker_init(&monitor->ticker, watch, monitor);
    bool started =
        place->address.host ? start_at(monitor, &place->address, error) : start_in_folder(monitor, place, error);
    if (!started || !ticker_start(&monitor->ticker, clock_monotonic_us() + US_PER_SECOND, error)) {
        monitor_stop(monitor);
        return false;
    }
    *ret_monitor = monitor;
    return true;
}

const char *monitor_address(const struct monitor *monitor)
{
    return buffer_string(&monitor->address);
}

void monitor_stop(struct monitor *monitor)
{
    if (!monitor)
        return;
    ticker_stop(&monitor->ticker);
    http_server_stop(monitor->server);
    ticker_clean_up(&monitor->ticker);
    buffer_clean_up(&monitor->address);
    free(monitor);
}

/* Asks each process that has a socket; those that ended without removing theirs are passed over. */
static bool probe_folder(const struct monitor_place *place, int64_t until_us, struct error *error)
{
    struct buffer path = {0};
    size_t alive = 0;
    bool works = true;
    for (int number = 1; works && number <= PROCESSES_MAX; number++) {
        struct error reason = {0};
        buffer_clear(&path);
        append_socket(place, number, &path);
        if (access(buffer_string(&path), F_OK) != 0)
            continue;
        works = probe_ask(&(struct probe_target){.address.host = buffer_string(&path)},
                          (until_us - clock_monotonic_us()) / 1000, &reason);
        alive += works;
        if (!works && reason.code == ERROR_UNAVAILABLE)
            works = true;
        else if (!works)
            error_set(error, reason.code, "%s", reason.message);
    }
    buffer_clean_up(&path);
    return works && (alive > 0 || error_set(error, ERROR_UNAVAILABLE, "no process of this configuration is running"));
}

bool monitor_probe(const struct monitor_place *place, int64_t timeout_ms, struct error *error)
{
    const struct probe_target target = {.address = place->address};
    return place->address.host ? probe_ask(&target, timeout_ms, error)
                               : probe_folder(place, clock_monotonic_us() + timeout_ms * 1000, error);
}
