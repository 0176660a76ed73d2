/* SPDX-License-Identifier: Apache-2.0 */
#include "speed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/shutdown.h"
#include "program/program.h"
#include "detector/detectors.h"
#include "watch/group_watch.h"
#include "http/monitor.h"
#include "http/probe.h"
#include "kafka/consumer.h"
#include "kafka/dead_letters.h"
#include "postgres/sourced_publications.h"
#include "watch/published.h"
#include "redis/redis_store.h"
#include "speed_metrics.h"
#include "watch/topics.h"
#include "worker/worker.h"

struct process {
    struct speed speed;
    struct kafka_access kafka, letters; /* letters: by the group that follows the topics */
    char client_id[CLIENT_ID_SIZE];
    struct published *published;
    struct group_watch *group_watch;
    struct topics *topics;
    struct monitor *monitor;             /* NULL: nobody can ask */
    struct detectors *_Atomic detectors; /* NULL: not started yet */
    struct kafka_member *member;         /* of the group: one for all workers */
    struct worker_job *jobs;             /* one a worker, by number */
    bool until_end, has_reached_ends;    /* the latter: of all workers, once they have ended */
};

struct worker_job {
    struct process *process;
    int number, code;
    atomic_bool has_reached_ends;
};

static bool open_member(struct process *process, struct error *error)
{
    const struct settings *settings = process->speed.settings;
    const char **topics = calloc(settings->source_count + 1, sizeof *topics);
    if (!topics)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < settings->source_count; i++)
        topics[i] = settings->sources[i].topic;
    bool opened = kafka_member_open(&process->kafka, topics, settings->source_count, (size_t)settings->speed.workers,
                                    &process->member, error);
    free(topics);
    return opened;
}

static bool open_consumer(const struct process *process, struct worker *worker, struct error *error)
{
    const struct consumer_events events = worker_events(worker);
    struct consumer *consumer = NULL;
    if (!kafka_consumer_open_of(process->member, &process->kafka, &events, &consumer, error))
        return false;
    worker_attach(worker, consumer);
    return true;
}

static bool has_dead_letters(const struct settings *settings)
{
    for (size_t i = 0; i < settings->source_count; i++)
        if (settings->sources[i].dead_letter)
            return true;
    return false;
}

static bool open_stores(const struct process *process, struct worker_stores *ret_stores, struct error *error)
{
    const struct settings *settings = process->speed.settings;
    return redis_store_open(settings->redis.url, settings->redis.password, settings->redis.name_space,
                            &ret_stores->realtime, error) &&
           sourced_publications_open(settings->postgres.url, settings->postgres.password, settings->sources,
                                     settings->source_count, &ret_stores->publications, error) &&
           (!has_dead_letters(settings) ||
            kafka_dead_letters_open(&process->letters, &ret_stores->dead_letters, error));
}

static void close_stores(const struct worker_stores *stores)
{
    if (stores->realtime)
        stores->realtime->operations->destroy(stores->realtime);
    if (stores->publications)
        stores->publications->operations->destroy(stores->publications);
    if (stores->dead_letters)
        stores->dead_letters->operations->destroy(stores->dead_letters);
}

/* A worker that is done goes on until all are, so that nobody's partitions are handed over in the midst. */
static bool have_reached_ends(const struct process *process, struct worker_job *job, const struct worker *worker)
{
    bool have = worker_has_reached_ends(worker);
    job->has_reached_ends = have;
    for (size_t i = 0; have && i < (size_t)process->speed.settings->speed.workers; i++)
        have = process->jobs[i].has_reached_ends;
    return have;
}

/* A partition that was stopped never gets to its end, and whoever waits for the ends must hear of it. */
static int take_turns(const struct process *process, struct worker_job *job, struct worker *worker)
{
    while (!shutdown_requested() && !(process->until_end && have_reached_ends(process, job, worker)))
        worker_turn(worker);
    size_t stopped = worker_stopped_partitions(worker);
    if (!process->until_end || stopped == 0)
        return 0;
    struct error error;
    error_set(&error, ERROR_DATA, "%zu partitions were stopped before their ends; see above", stopped);
    return program_fail(&error);
}

static int work(struct process *process, struct worker_job *job)
{
    struct worker_stores stores = {0};
    struct error error = {0};
    struct worker *worker = NULL;
    int code = 0;
    bool ready = open_stores(process, &stores, &error);
    if (ready && !(worker = worker_new(&process->speed, job->number, &stores)))
        ready = error_set(&error, ERROR_INTERNAL, "out of memory");
    if (ready && open_consumer(process, worker, &error)) {
        code = take_turns(process, job, worker);
    } else {
        code = program_fail(&error);
        shutdown_request();
    }
    worker_destroy(worker);
    close_stores(&stores);
    return code;
}

static void *run_worker(void *context)
{
    struct worker_job *job = context;
    char name[16];
    snprintf(name, sizeof name, "worker %d", job->number);
    pthread_setname_np(pthread_self(), name);
    job->code = work(job->process, job);
    return NULL;
}

static int run_workers(struct process *process)
{
    size_t count = (size_t)process->speed.settings->speed.workers, started = 0;
    struct error error = {0};
    process->jobs = calloc(count, sizeof *process->jobs);
    pthread_t *threads = calloc(count, sizeof *threads);
    int code = 0;
    bool ready = process->jobs && threads;
    if (ready)
        ready = open_member(process, &error);
    else
        error_set(&error, ERROR_INTERNAL, "out of memory for the workers");
    for (size_t i = 0; ready && i < count; i++) {
        process->jobs[i].process = process;
        process->jobs[i].number = (int)i;
    }
    while (ready && started < count &&
           pthread_create(&threads[started], NULL, run_worker, &process->jobs[started]) == 0)
        started++;
    if (started < count) {
        if (ready)
            error_set(&error, ERROR_INTERNAL, "not all workers could be started");
        code = program_fail(&error);
        shutdown_request();
    }
    process->has_reached_ends = true;
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        code = code ? code : process->jobs[i].code;
        process->has_reached_ends = process->has_reached_ends && process->jobs[i].has_reached_ends;
    }
    kafka_member_destroy(process->member);
    free(process->jobs);
    free(threads);
    return code;
}

static struct monitor_place place_of(const struct settings *settings)
{
    return (struct monitor_place){"tidemark-speed", settings->path, {settings->speed.host, settings->speed.port}};
}

static void append_hindrances(void *context, struct buffer *out)
{
    const struct process *process = context;
    const struct speed *speed = &process->speed;
    const struct detectors *detectors = process->detectors;
    for (size_t i = 0; i < (size_t)speed->settings->speed.workers; i++) {
        char name[32];
        snprintf(name, sizeof name, "worker %zu", i);
        reader_report_append_hindrances(&speed->reports[i], WORKER_TURN_US, name, out);
    }
    if (detectors)
        detectors_append_hindrances(detectors, out);
}

/* Before its workers begin it waits for Kafka, which is alive. */
static bool is_alive(void *context)
{
    const struct process *process = context;
    const struct speed *speed = &process->speed;
    const struct detectors *detectors = process->detectors;
    for (size_t i = 0; i < (size_t)speed->settings->speed.workers; i++)
        if (reader_report_is_stuck(&speed->reports[i], WORKER_TURN_US))
            return false;
    return !detectors || !detectors_are_stuck(detectors);
}

static void observe(void *context)
{
    const struct speed *speed = &((const struct process *)context)->speed;
    metric_set(metrics_series(speed->metrics, SPEED_METRIC_INDEX_BYTES, NULL), speed->budget.used_bytes);
    metric_set(metrics_series(speed->metrics, SPEED_METRIC_INDEX_BYTES_MAX, NULL), speed->budget.ceiling_bytes);
}

/* The default place is for convenience: where it can't be had, the work goes on without. */
static bool start_monitor(struct process *process, struct error *error)
{
    struct speed *speed = &process->speed;
    const struct monitor_place place = place_of(speed->settings);
    speed->metrics = metrics_new(speed_metrics, SPEED_METRIC_COUNT);
    speed->reports = calloc((size_t)speed->settings->speed.workers, sizeof *speed->reports);
    if (!speed->metrics || !speed->reports)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    const struct health health = {append_hindrances, observe, is_alive, speed->metrics, process};
    if (monitor_start(&place, &health, &process->monitor, error)) {
        log_info("metrics at %s", monitor_address(process->monitor));
        notify_ready();
        return true;
    }
    if (place.address.host)
        return false;
    log_warning("without probes and metrics: %s", error->message);
    return true;
}

int speed_probe(const struct settings *settings)
{
    const struct monitor_place place = place_of(settings);
    struct error error = {0};
    return probe_report(place.program, monitor_probe(&place, PROBE_MS, &error), &error);
}

/* The settings with the sources alone that it reads. */
static bool take_sources(const struct settings *settings, struct settings *ret_own, struct error *error)
{
    struct source *sources = calloc(settings->source_count + 1, sizeof *sources);
    if (!sources)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *ret_own = *settings;
    ret_own->sources = sources;
    ret_own->source_count = 0;
    for (size_t i = 0; i < settings->source_count; i++)
        if (!settings->sources[i].is_batch_alone)
            sources[ret_own->source_count++] = settings->sources[i];
    if (ret_own->source_count > 0)
        return true;
    free(sources);
    return error_set(error, ERROR_CONFIGURATION, "no source is read by a speed layer: each says speed: none");
}

/* Whoever waits for the ends must hear that it was asked to end before them. */
static int check_ends(const struct process *process)
{
    struct error error;
    if (!process->until_end || (process->has_reached_ends && detectors_have_reached_ends(process->detectors)))
        return 0;
    error_set(&error, ERROR_TRY_AGAIN, "asked to end before all was committed up to the ends that there were");
    return program_fail(&error);
}

static int run_own(const struct settings *settings, bool until_end, const struct replay_run *replay)
{
    struct process process = {
        .speed = {.settings = settings,
                  .latest = published_get,
                  .foreign = group_watch_foreign,
                  .regrouped = group_watch_regrouped,
                  .places = replay->places,
                  .followers = replay->followers,
                  .accepts_partitions = replay->accepts_partitions,
                  .budget = {.ceiling_bytes = settings->speed.index_bytes}},
        .kafka = {.brokers = settings->kafka.brokers,
                  .group = replay->group ? replay->group : settings->kafka.group,
                  .properties = settings->kafka.properties.entries,
                  .property_count = settings->kafka.properties.count},
        .until_end = until_end,
    };
    struct speed *speed = &process.speed;
    struct error error = {0};
    struct detectors *detectors = NULL;
    readers_client_id(settings->redis.name_space, settings->sources, settings->source_count, process.client_id);
    process.kafka.client_id = process.client_id;
    process.letters = process.kafka;
    process.letters.group = settings->kafka.group;
    bool ready = (replay->places || start_monitor(&process, &error)) &&
                 topics_start(settings, &process.kafka, &process.topics, &error) &&
                 published_start(settings, &process.published, &error) &&
                 group_watch_start(settings, &process.kafka, &process.group_watch, &error) &&
                 detectors_start(settings, speed->metrics, until_end, &detectors, &error);
    process.detectors = detectors;
    speed->latest_context = process.published;
    speed->group_context = process.group_watch;
    int code = ready ? run_workers(&process) : program_fail(&error);
    int detectors_code = detectors_join(detectors);
    code = code ? code : detectors_code;
    notify_ending();
    group_watch_stop(process.group_watch);
    published_stop(process.published);
    int refused = topics_stop(process.topics);
    code = code ? code : refused;
    code = code ? code : check_ends(&process);
    monitor_stop(process.monitor);
    detectors_destroy(detectors);
    metrics_destroy(speed->metrics);
    free(speed->reports);
    if (code == 0)
        log_info("ended cleanly");
    return code;
}

int speed_run(const struct settings *settings, bool until_end)
{
    static const struct replay_run no_replay;
    struct settings own;
    struct error error;
    if (!take_sources(settings, &own, &error))
        return program_fail(&error);
    int code = run_own(&own, until_end, &no_replay);
    free((void *)(uintptr_t)own.sources);
    return code;
}

int speed_run_replay(const struct settings *settings, const struct replay_run *replay)
{
    return run_own(settings, true, replay);
}
