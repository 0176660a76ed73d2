/* SPDX-License-Identifier: Apache-2.0 */
#include "serving.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/shutdown.h"
#include "program/program.h"
#include "http/monitor.h"
#include "http/probe.h"
#include "kafka/alerts.h"
#include "kafka/kafka_log.h"
#include "followed.h"
#include "log_watch.h"
#include "answer_cache.h"
#include "old_windows.h"
#include "routes.h"
#include "view_stream.h"

#define REAP_EVERY_MS 1000

/* All that a run holds, in the order in which it is made. */
struct run {
    const struct settings *settings;
    struct serving serving;
    struct alarms alarms;
    struct tls *tls; /* NULL: nothing is encrypted */
    struct followed_sources followed;
    struct kafka_access access; /* the log that is watched keeps a pointer to it */
    struct log_watch *watch;
    char groups[DETECTORS_MAX][DETECTOR_GROUP_SIZE];
    struct kafka_access detector_accesses[DETECTORS_MAX]; /* so do stores of positions */
    struct http_server *server;
    struct monitor *monitor; /* at http.metrics_listen, or NULL */
};

static struct certificate_files certificate_files(const struct settings *settings)
{
    return (struct certificate_files){settings->http.tls.certificate, settings->http.tls.key};
}

static bool open_tls(struct run *run, struct error *error)
{
    const struct certificate_files files = certificate_files(run->settings);
    return !files.certificate || tls_open(&files, &run->tls, error);
}

static bool make_serving(struct run *run, struct error *error)
{
    const struct settings *settings = run->settings;
    run->serving = (struct serving){.sources = settings->sources,
                                    .source_count = settings->source_count,
                                    .detectors = settings->detectors,
                                    .detector_count = settings->detector_count};
    alarms_init(&run->alarms);
    run->serving.alarms = &run->alarms;
    bool done = access_open(settings, &run->serving.access, error) && open_tls(run, error) &&
                followed_init(&run->followed, settings, error);
    run->serving.metrics = run->followed.metrics;
    run->serving.snapshots = run->followed.snapshots;
    return done;
}

static bool open_log(void *context, struct event_log **ret_log, struct error *error)
{
    return kafka_log_open(context, ret_log, error);
}

static bool start_feed(struct run *run, struct error *error)
{
    if (run->settings->detector_count == 0)
        return true;
    return alert_feed_new(run->settings, open_log, &run->access, &run->serving.feed, error) &&
           alert_feed_start(run->serving.feed, error);
}

static bool open_positions(void *context, size_t detector, struct alert_store **ret_store, struct error *error)
{
    const struct run *run = context;
    return kafka_alerts_open(&run->detector_accesses[detector], &run->settings->detectors[detector], NULL, ret_store,
                             error);
}

/* Every partition has a slot, also where only a detector reads. */
static size_t known_partitions(void *context, size_t detector)
{
    const struct run *run = context;
    const struct source *source = run->settings->detectors[detector].source;
    struct snapshot *snapshot = run->serving.snapshots[source - run->settings->sources];
    size_t count = 0;
    pthread_rwlock_rdlock(&snapshot->lock);
    for (size_t i = 0; i < snapshot->partition_count; i++)
        if ((size_t)snapshot->partitions[i].partition >= count)
            count = (size_t)snapshot->partitions[i].partition + 1;
    pthread_rwlock_unlock(&snapshot->lock);
    return count;
}

static bool start_detector_watch(struct run *run, struct error *error)
{
    const struct settings *settings = run->settings;
    const struct detector_watch_options options = {.detectors = settings->detectors,
                                                   .count = settings->detector_count,
                                                   .open = open_positions,
                                                   .partitions = known_partitions,
                                                   .context = run};
    for (size_t i = 0; i < settings->detector_count; i++) {
        detector_group(&settings->detectors[i], settings->kafka.group, run->groups[i]);
        run->detector_accesses[i] = run->access;
        run->detector_accesses[i].group = run->groups[i];
    }
    return settings->detector_count == 0 || (detector_watch_new(&options, &run->serving.detector_watch, error) &&
                                             detector_watch_start(run->serving.detector_watch, error));
}

static bool start_watch(struct run *run, struct error *error)
{
    const struct settings *settings = run->settings;
    run->access = settings_kafka_access(settings);
    const struct log_watch_options options = {
        .open = open_log, .context = &run->access, .unread_after_us = UNREAD_AFTER_US + settings->speed.flush_every_us};
    return log_watch_new(&options, run->serving.snapshots, run->serving.source_count, &run->watch, error) &&
           log_watch_start(run->watch, error);
}

#define STREAM_SHARE 4 /* what waits for readers of streams is at most this part of the memory for rows */

static bool start_streams(struct run *run, struct error *error)
{
    const struct settings *settings = run->settings;
    const struct stream_hub_options options = {.access = run->serving.access,
                                               .metrics = run->serving.metrics,
                                               .push_every_us = settings->http.push_every_us,
                                               .streams_max = (size_t)settings->http.streams_max,
                                               .bytes_max = (size_t)settings->http.memory_bytes / STREAM_SHARE};
    return stream_hub_new(&options, &run->serving.hub, error) && stream_hub_start(run->serving.hub, error);
}

static bool start_monitor(struct run *run, struct error *error)
{
    const struct settings *settings = run->settings;
    const struct health health = serving_health(&run->serving);
    const struct monitor_place place = {.program = "tidemark-serving",
                                        .configuration = settings->path,
                                        .address = {settings->http.metrics_host, settings->http.metrics_port}};
    return !settings->http.metrics_host || monitor_start(&place, &health, &run->monitor, error);
}

#define OTHER_DESCRIPTORS 256 /* stores, logs, threads */

/* A process may open fewer files than its connections need, where nobody raised that: up to what it may raise itself.
 */
static void raise_descriptor_limit(const struct settings *settings)
{
    struct rlimit limit;
    const rlim_t needed = CONNECTIONS_MAX + (rlim_t)settings->http.streams_max + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < needed)
        log_warning("this process may open %llu files, and http.streams needs %llu: connections above that wait",
                    (unsigned long long)limit.rlim_cur, (unsigned long long)needed);
}

static bool start_server(struct run *run, struct error *error)
{
    const struct settings *settings = run->settings;
    const struct http_server_options options = {.address = {settings->http.host, settings->http.port},
                                                .threads = settings->http.threads,
                                                .waiting_threads = OLD_WINDOWS_AT_ONCE,
                                                .connections_max =
                                                    CONNECTIONS_MAX + (unsigned)settings->http.streams_max,
                                                .tls = run->tls,
                                                .origins = {settings->http.origins, settings->http.origin_count},
                                                .streams = run->serving.hub->streams};
    const struct http_handler handler = route_handler(&run->serving);
    raise_descriptor_limit(settings);
    return http_server_start(&options, &handler, &run->server, error);
}

static bool start_cache(struct run *run, struct error *error)
{
    run->serving.answers = answer_cache_new();
    return run->serving.answers || error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool start(struct run *run, struct error *error)
{
    return make_serving(run, error) && followed_start(&run->followed, error) && start_cache(run, error) &&
           old_windows_open(run->settings, &run->serving.old_windows, error) && start_watch(run, error) &&
           start_feed(run, error) && start_detector_watch(run, error) && start_streams(run, error) &&
           start_server(run, error) && start_monitor(run, error);
}

static void stop(struct run *run)
{
    monitor_stop(run->monitor);
    http_server_stop(run->server);
    view_channels_sweep(run->serving.hub, INT64_MAX);
    stream_hub_destroy(run->serving.hub);
    detector_watch_destroy(run->serving.detector_watch);
    alert_feed_destroy(run->serving.feed);
    log_watch_destroy(run->watch);
    old_windows_close(run->serving.old_windows);
    answer_cache_destroy(run->serving.answers);
    followed_clean_up(&run->followed);
    tls_close(run->tls);
    access_close(run->serving.access);
    alarms_clean_up(&run->alarms);
}

static void set_gauge(struct run *run, enum serving_metric metric, int64_t value)
{
    metric_set(metrics_series(run->serving.metrics, (size_t)metric, NULL), value);
}

static void refresh_tokens(struct run *run)
{
    struct error why = {0};
    bool right = access_refresh(run->serving.access, &why);
    alarms_set(&run->alarms, ALARM_TOKENS, &why);
    set_gauge(run, METRIC_TOKENS_STALE, !right);
}

static void refresh_certificate(struct run *run)
{
    struct error why = {0};
    if (!run->tls)
        return;
    bool right = tls_refresh(run->tls, clock_wall_us(), &why);
    alarms_set(&run->alarms, ALARM_CERTIFICATE, &why);
    set_gauge(run, METRIC_CERTIFICATE_STALE, !right);
    set_gauge(run, METRIC_CERTIFICATE_EXPIRES, tls_expires_us(run->tls));
}

bool serving_check_files(const struct settings *settings, struct error *error)
{
    struct access *access;
    if (!access_open(settings, &access, error))
        return false;
    access_close(access);
    return true;
}

bool serving_check_certificate(const char *certificate, const char *key, bool *ret_key_is_wrong, struct error *error)
{
    struct certificate *read;
    const struct certificate_files files = {certificate, key};
    if (!certificate_read(&files, clock_wall_us(), &read, ret_key_is_wrong, error))
        return false;
    certificate_destroy(read);
    return true;
}

static void say_where(const struct run *run)
{
    const char *host = run->settings->http.host;
    if (listen_is_path(&(struct listen_address){host, 0}))
        log_info("answering at unix://%s%s", host, run->tls ? ", by TLS" : "");
    else
        log_info("answering at %s://%s:%d/", run->tls ? "https" : "http", host, http_server_port(run->server));
}

int serving_run(const struct settings *settings)
{
    struct run run = {.settings = settings};
    struct error error = {0};
    int code = 0;
    if (start(&run, &error)) {
        say_where(&run);
        notify_ready();
        while (shutdown_sleep(REAP_EVERY_MS)) {
            http_server_reap(run.server);
            refresh_tokens(&run);
            refresh_certificate(&run);
            view_channels_sweep(run.serving.hub, clock_monotonic_us());
            notify_alive();
        }
        notify_ending();
        log_info("ending");
    } else {
        code = program_fail(&error);
    }
    stop(&run);
    return code;
}

/* What runs shows what the files hold; where that can't be used it has kept what was there before, which nobody else
 * knows. */
int serving_probe(const struct settings *settings)
{
    const struct certificate_files files = certificate_files(settings);
    struct probe_target target = {.address = {settings->http.host, settings->http.port},
                                  .encrypts = files.certificate != NULL};
    struct certificate *certificate = NULL;
    struct error error = {0};
    bool key_is_wrong;
    if (target.encrypts && certificate_read(&files, clock_wall_us(), &certificate, &key_is_wrong, &error))
        target.pinned = certificate;
    bool works = probe_ask(&target, PROBE_MS, &error);
    certificate_destroy(certificate);
    return probe_report("tidemark-serving", works, &error);
}
