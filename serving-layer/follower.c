/* SPDX-License-Identifier: Apache-2.0 */
#include "follower.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"

#define PUBLICATION_EVERY_US INT64_C(200000)
#define PROBE_EVERY_US INT64_C(1000000)
#define PROBES 4 /* partition numbers looked for beyond those known */

/* A store as the follower meets it: up until it fails, then asked again after a while. */
struct dependency {
    const char *name;
    struct retry retry;
    bool down; /* and said so */
    struct metric_series *up, *errors;
};

struct followed {
    struct snapshot *snapshot;
    struct live live;
    int64_t next_publication_us, next_probe_us;
    bool misfit; /* slots didn't fit what was published when it was last looked at */
};

struct follower {
    struct follower_stores stores;
    struct dependency postgres, redis;
    struct followed *followed;
    size_t count;
    int64_t refresh_us;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t stopping;
    bool started, stop;
};

static void dependency_init(struct dependency *dependency, const char *name, struct metrics *metrics)
{
    *dependency = (struct dependency){.name = name, .retry = RETRY_DEPENDENCY};
    const char *label = strcmp(name, "Redis") == 0 ? "redis" : "postgres";
    dependency->up = metrics_series(metrics, METRIC_STORE_UP, &label);
    dependency->errors = metrics_series(metrics, METRIC_STORE_ERRORS, &label);
}

static bool is_due(const struct dependency *dependency)
{
    return retry_wait_us(&dependency->retry, clock_monotonic_us()) == 0;
}

static void note_success(struct dependency *dependency)
{
    if (dependency->down)
        log_info("%s answers again", dependency->name);
    dependency->down = false;
    metric_set(dependency->up, 1);
    retry_succeeded(&dependency->retry);
}

static void note_failure(struct dependency *dependency, const struct error *error)
{
    if (!dependency->down)
        log_warning("%s can't be read, answers stay as they are until it can: %s", dependency->name, error->message);
    dependency->down = true;
    metric_set(dependency->up, 0);
    metric_add(dependency->errors, 1);
    retry_failed(&dependency->retry, clock_monotonic_us());
}

static void read_live(struct follower *follower, struct followed *followed)
{
    struct error error;
    int64_t now_us = clock_monotonic_us();
    if (!is_due(&follower->redis)) {
        followed->live.reachable = false;
        return;
    }
    bool probing = now_us >= followed->next_probe_us;
    if (!live_read(&followed->live, follower->stores.realtime, probing ? PROBES : 0, &error)) {
        note_failure(&follower->redis, &error);
        return;
    }
    if (probing)
        followed->next_probe_us = now_us + PROBE_EVERY_US;
    note_success(&follower->redis);
    followed->snapshot->live_read_us = clock_monotonic_us();
}

static bool is_same(const struct publication *a, const struct publication *b)
{
    return a->epoch == b->epoch && a->published_at_us == b->published_at_us &&
           memcmp(a->view_fingerprints, b->view_fingerprints, sizeof a->view_fingerprints) == 0;
}

/* Whether what is published isn't what the snapshot holds. */
static bool has_moved(struct follower *follower, const struct followed *followed, bool *ret_moved, struct error *error)
{
    const struct snapshot *snapshot = followed->snapshot;
    if (!snapshot->loaded) {
        *ret_moved = true;
        return true;
    }
    struct publication publication;
    struct publication_store *store = follower->stores.publications;
    if (!store->operations->read(store, snapshot->source, &publication, error))
        return false;
    *ret_moved = !is_same(&publication, &snapshot->publication);
    publication_clean_up(&publication);
    return true;
}

static size_t partitions_named(const struct publication *publication)
{
    size_t count = 0;
    for (size_t i = 0; i < publication->partition_count; i++)
        if ((size_t)publication->partitions[i].partition >= count)
            count = (size_t)publication->partitions[i].partition + 1;
    return count;
}

/* Reads the rows that are newly published and puts them in place together with what the slots then say. */
static bool take_publication(struct follower *follower, struct followed *followed, struct error *error)
{
    struct snapshot *snapshot = followed->snapshot;
    struct publication publication;
    struct staging staging;
    if (!staging_init(&staging, snapshot->source, snapshot->bytes_max, error))
        return false;
    struct published_rows rows = staging_receiver(&staging);
    bool done =
        follower->stores.read_published(follower->stores.publications, snapshot->source,
                                        snapshot->loaded ? snapshot->publication.epoch : 0, &rows, &publication, error);
    if (done && !live_grow(&followed->live, partitions_named(&publication), error)) {
        publication_clean_up(&publication);
        done = false;
    }
    if (done) {
        read_live(follower, followed);
        done = snapshot_update(snapshot, &followed->live, &staging, &publication, error);
    }
    if (done)
        log_info("answering %s from epoch %lld", snapshot->source->name, (long long)snapshot->publication.epoch);
    staging_clean_up(&staging);
    return done;
}

static void look_at_publication(struct follower *follower, struct followed *followed)
{
    struct error error;
    bool moved;
    if (!has_moved(follower, followed, &moved, &error) || (moved && !take_publication(follower, followed, &error))) {
        note_failure(&follower->postgres, &error);
        return;
    }
    note_success(&follower->postgres);
    followed->snapshot->published_read_us = clock_monotonic_us();
    followed->next_publication_us = clock_monotonic_us() + PUBLICATION_EVERY_US;
}

static void follow(struct follower *follower, struct followed *followed)
{
    struct snapshot *snapshot = followed->snapshot;
    struct error error;
    read_live(follower, followed);
    bool misfit = !snapshot->loaded || !live_fits(&followed->live, &snapshot->publication);
    bool due = clock_monotonic_us() >= followed->next_publication_us || (misfit && !followed->misfit);
    if (due && is_due(&follower->postgres))
        look_at_publication(follower, followed);
    followed->misfit = misfit;
    if (snapshot->loaded && !snapshot_update(snapshot, &followed->live, NULL, NULL, &error))
        log_error("%s", error.message);
}

void follower_pass(struct follower *follower)
{
    for (size_t i = 0; i < follower->count; i++)
        follow(follower, &follower->followed[i]);
}

/* Waits for the next pass; false where the thread is to end. */
static bool wait_for_pass(struct follower *follower, int64_t next_us)
{
    struct timespec until = {.tv_sec = next_us / US_PER_SECOND, .tv_nsec = next_us % US_PER_SECOND * 1000};
    pthread_mutex_lock(&follower->mutex);
    while (!follower->stop && clock_monotonic_us() < next_us)
        pthread_cond_timedwait(&follower->stopping, &follower->mutex, &until);
    bool go_on = !follower->stop;
    pthread_mutex_unlock(&follower->mutex);
    return go_on;
}

static void *run(void *context)
{
    struct follower *follower = context;
    int64_t next_us = clock_monotonic_us();
    while (wait_for_pass(follower, next_us)) {
        next_us = clock_monotonic_us() + follower->refresh_us;
        follower_pass(follower);
    }
    return NULL;
}

static void synchronisation_init(struct follower *follower)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&follower->stopping, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&follower->mutex, NULL);
}

bool follower_new(const struct follower_stores *stores, struct snapshot *const snapshots[], size_t count,
                  int64_t refresh_us, struct metrics *metrics, struct follower **ret_follower, struct error *error)
{
    struct follower *follower = calloc(1, sizeof *follower);
    struct followed *followed = calloc(count + 1, sizeof *followed);
    if (!follower || !followed) {
        free(follower);
        free(followed);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *follower = (struct follower){.stores = *stores, .followed = followed, .refresh_us = refresh_us};
    synchronisation_init(follower);
    dependency_init(&follower->postgres, "PostgreSQL", metrics);
    dependency_init(&follower->redis, "Redis", metrics);
    for (; follower->count < count; follower->count++) {
        followed[follower->count].snapshot = snapshots[follower->count];
        if (!live_init(&followed[follower->count].live, snapshots[follower->count]->source, error)) {
            follower_destroy(follower);
            return false;
        }
    }
    *ret_follower = follower;
    return true;
}

bool follower_start(struct follower *follower, struct error *error)
{
    if (pthread_create(&follower->thread, NULL, run, follower) != 0)
        return error_set(error, ERROR_INTERNAL, "can't start a thread");
    follower->started = true;
    return true;
}

void follower_destroy(struct follower *follower)
{
    if (!follower)
        return;
    pthread_mutex_lock(&follower->mutex);
    follower->stop = true;
    pthread_cond_signal(&follower->stopping);
    pthread_mutex_unlock(&follower->mutex);
    if (follower->started)
        pthread_join(follower->thread, NULL);
    for (size_t i = 0; i < follower->count; i++)
        live_clean_up(&follower->followed[i].live);
    pthread_cond_destroy(&follower->stopping);
    pthread_mutex_destroy(&follower->mutex);
    free(follower->followed);
    free(follower);
}
