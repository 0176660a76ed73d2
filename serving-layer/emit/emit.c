/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/shutdown.h"
#include "emit/console.h"
#include "emit/emitter.h"
#include "emit/kept_lease.h"
#include "followed.h"
#include "http/monitor.h"
#include "http/probe.h"
#include "kafka/kafka_log.h"
#include "kafka/kafka_sink.h"
#include "program/program.h"
#include "postgres/postgres_lease.h"
#include "postgres/postgres_sink.h"
#include "redis/redis_lease.h"
#include "redis/redis_sink.h"

#define LOOK_EVERY_MS 100
#define ONCE_WITHIN_US (60 * US_PER_SECOND)

/* A sink, and what it is kept with. */
struct emitted {
    const struct settings *settings;
    const struct sink *sink;
    struct sink_store *store;
    struct lease *lease;
    struct kafka_access access; /* the log keeps a pointer to it */
    struct event_log *log;      /* NULL: not asked yet */
    struct emitter emitter;
    bool is_made;
};

/* All that a run holds, in the order in which it is made. */
struct emit {
    const struct settings *settings;
    const struct emit_request *request;
    struct followed_sources followed;
    struct emitted *emitted;
    size_t count;
    struct monitor *monitor;
};

/* --- a sink --- */

static bool log_end(void *context, int32_t partition, int64_t *ret_end, struct error *error)
{
    struct emitted *emitted = context;
    const char *topic = emitted->sink->source->topic;
    int32_t partitions;
    int64_t first;
    if ((!emitted->log && !kafka_log_open(&emitted->access, &emitted->log, error)) || !emitted->log ||
        !emitted->log->operations->partition_count(emitted->log, topic, &partitions, error))
        return false;
    *ret_end = -1;
    return partition >= partitions ||
           emitted->log->operations->ends(emitted->log, topic, partition, &first, ret_end, error);
}

static bool open_store(struct emitted *emitted, struct error *error)
{
    const struct settings *settings = emitted->settings;
    const struct sink *sink = emitted->sink;
    if (sink->kind == SINK_CONSOLE)
        return console_open(sink->view, (size_t)settings->http.memory_bytes, &emitted->store, error);
    if (sink->kind == SINK_REDIS)
        return redis_sink_open(settings->redis.url, settings->redis.password, sink->space, sink->name, &emitted->store,
                               error);
    if (sink->kind == SINK_POSTGRES)
        return postgres_sink_open(settings->postgres.url, settings->postgres.password, sink->space, sink->name,
                                  sink->view, &emitted->store, error);
    return kafka_sink_open(&emitted->access, sink->name, (size_t)settings->http.memory_bytes, &emitted->store, error);
}

static bool open_lease(struct emitted *emitted, struct error *error)
{
    const struct settings *settings = emitted->settings;
    struct buffer key = {0};
    struct lease *lease = NULL;
    if (emitted->sink->kind == SINK_CONSOLE)
        return true;
    buffer_appendf(&key, "%s:emit:%s", settings->redis.name_space, emitted->sink->to);
    bool done =
        key.failed ? error_set(error, ERROR_INTERNAL, "out of memory")
        : settings_have_redis(settings)
            ? redis_lease_open(settings->redis.url, settings->redis.password, buffer_string(&key), &lease, error)
            : postgres_lease_open(settings->postgres.url, settings->postgres.password, buffer_string(&key), &lease,
                                  error);
    buffer_clean_up(&key);
    return done && kept_lease_open(lease, &emitted->lease, error);
}

static bool make_emitted(struct emit *emit, const struct sink *sink, struct emitted *emitted, struct error *error)
{
    const struct settings *settings = emit->settings;
    *emitted = (struct emitted){.settings = settings, .sink = sink, .access = settings_kafka_access(settings)};
    emitted->access.client_id = "tidemark-emit";
    if (!open_store(emitted, error) || !open_lease(emitted, error))
        return false;
    const struct emission_options options = {
        .sink = sink,
        .snapshot = emit->followed.snapshots[sink->source - settings->sources],
        .store = emitted->store,
        .lease = emitted->lease,
        .restarts = emit->request->restart != NULL,
        .log_end = log_end,
        .context = emitted,
    };
    emitter_init(&emitted->emitter, &options, emit->request->once != NULL, emit->followed.metrics);
    emitted->is_made = true;
    return true;
}

static void emitted_clean_up(struct emitted *emitted)
{
    if (emitted->is_made)
        emitter_clean_up(&emitted->emitter);
    if (emitted->lease)
        emitted->lease->operations->destroy(emitted->lease);
    if (emitted->store)
        emitted->store->operations->destroy(emitted->store);
    if (emitted->log)
        emitted->log->operations->destroy(emitted->log);
}

/* --- all of them --- */

static bool is_asked_for(const struct emit_request *request, const struct sink *sink)
{
    return (!request->view || strcmp(request->view, sink->view->name) == 0) &&
           (!request->to || strcmp(request->to, sink->to) == 0);
}

static bool make_all(struct emit *emit, struct error *error)
{
    const struct settings *settings = emit->settings;
    const struct emit_request *request = emit->request;
    if (request->view && !settings_view(settings, text_of(request->view), NULL))
        return error_set(error, ERROR_USAGE, "there is no view %s in %s", request->view, settings->path);
    emit->emitted = calloc(settings->sink_count + 1, sizeof *emit->emitted);
    if (!emit->emitted)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < settings->sink_count; i++)
        if (is_asked_for(request, &settings->sinks[i]) &&
            !make_emitted(emit, &settings->sinks[i], &emit->emitted[emit->count++], error))
            return false;
    return emit->count > 0 || error_set(error, ERROR_USAGE,
                                        "no view has such a sink: what is to be emitted stands under emit: of a view "
                                        "in %s",
                                        settings->path);
}

static void append_hindrances(void *context, struct buffer *out)
{
    struct emit *emit = context;
    struct error error;
    for (size_t i = 0; i < emit->count; i++)
        if (emitter_look(&emit->emitted[i].emitter, &error) != EMITTER_WORKS)
            buffer_appendf(out, "%s, %s: %s\n", emit->emitted[i].sink->view->name, emit->emitted[i].sink->to,
                           error.message);
}

static void observe(void *context)
{
    const struct emit *emit = context;
    for (size_t i = 0; i < emit->settings->source_count; i++)
        serving_metrics_observe(emit->followed.metrics, emit->followed.snapshots[i]);
}

static struct monitor_place place_of(const struct settings *settings)
{
    return (struct monitor_place){"tidemark-emit", settings->path, {settings->emit.host, settings->emit.port}};
}

/* The default place is for convenience: where it can't be had, the work goes on without. */
static bool start_monitor(struct emit *emit, struct error *error)
{
    const struct monitor_place place = place_of(emit->settings);
    const struct health health = {
        .append_hindrances = append_hindrances, .observe = observe, .metrics = emit->followed.metrics, .context = emit};
    if (emit->request->once || monitor_start(&place, &health, &emit->monitor, error))
        return true;
    if (place.address.host)
        return false;
    log_warning("without probes and metrics: %s", error->message);
    *error = (struct error){0};
    return true;
}

/* Whoever asks how it does is answered from the start; where nobody can be, nothing is written. */
static bool start(struct emit *emit, struct error *error)
{
    bool done = followed_init(&emit->followed, emit->settings, error) && make_all(emit, error) &&
                start_monitor(emit, error) && followed_start(&emit->followed, error);
    for (size_t i = 0; done && i < emit->count; i++)
        done = emitter_start(&emit->emitted[i].emitter, error);
    return done;
}

static void stop(struct emit *emit)
{
    monitor_stop(emit->monitor);
    for (size_t i = 0; i < emit->count; i++)
        emitted_clean_up(&emit->emitted[i]);
    free(emit->emitted);
    followed_clean_up(&emit->followed);
}

/* Whether all have written once; false with the error where one is broken. */
static bool look(struct emit *emit, bool *ret_done, struct error *error)
{
    struct error said;
    *ret_done = true;
    for (size_t i = 0; i < emit->count; i++) {
        const struct sink *sink = emit->emitted[i].sink;
        enum emitter_state state = emitter_look(&emit->emitted[i].emitter, &said);
        if (state == EMITTER_BROKEN)
            return error_set(error, said.code, "%s, %s: %s", sink->view->name, sink->to, said.message);
        if (state == EMITTER_DONE)
            continue;
        error_set(error, ERROR_TRY_AGAIN, "%s, %s: nothing was emitted within a minute: %s", sink->view->name, sink->to,
                  said.message);
        *ret_done = false;
    }
    return true;
}

/* Once it is asked to end: whether it has done what it was to do. */
static bool check_end(const struct emit *emit, struct error *error)
{
    return !emit->request->once ||
           error_set(error, ERROR_TRY_AGAIN, "asked to end before all that was to be emitted once was written");
}

static bool wait_for_end(struct emit *emit, struct error *error)
{
    int64_t until_us = clock_monotonic_us() + ONCE_WITHIN_US;
    bool is_done = false;
    while (shutdown_sleep(LOOK_EVERY_MS)) {
        if (!look(emit, &is_done, error))
            return false;
        if (is_done)
            return true;
        if (emit->request->once && clock_monotonic_us() >= until_us)
            return false;
        notify_alive();
    }
    return check_end(emit, error);
}

int emit_run(const struct settings *settings, const struct emit_request *request)
{
    struct emit emit = {.settings = settings, .request = request};
    struct error error = {0};
    int code = 0;
    if (start(&emit, &error)) {
        log_info("emitting to %zu %s", emit.count, emit.count == 1 ? "sink" : "sinks");
        notify_ready();
        code = wait_for_end(&emit, &error) ? 0 : program_fail(&error);
        notify_ending();
    } else {
        code = program_fail(&error);
    }
    stop(&emit);
    return code;
}

int emit_probe(const struct settings *settings)
{
    const struct monitor_place place = place_of(settings);
    struct error error = {0};
    return probe_report("tidemark-serving emit", monitor_probe(&place, PROBE_MS, &error), &error);
}
