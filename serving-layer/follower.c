/* SPDX-License-Identifier: Apache-2.0 */
#include "follower.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dependency.h"

#define PROBE_EVERY_US INT64_C(1000000)
#define PROBES 4 /* partition numbers looked for beyond those known */

struct followed {
    struct snapshot *snapshot;
    struct live live;
    int64_t next_probe_us;
    int64_t misfit_since_us;     /* slots don't fit what is published since then; 0: they do */
    int64_t next_publication_us; /* when to look at it again */
    int64_t looked_us;           /* when the last look that succeeded began */
};

struct follower {
    struct follower_stores stores;
    struct dependency postgres; /* of the thread that reads publications */
    struct dependency redis;    /* under `mutex` */
    struct followed *followed;
    size_t count;
    struct follower_times times;
    pthread_mutex_t mutex; /* guards the live parts, the times above and all updates of the snapshots */
    pthread_mutex_t waiting;
    pthread_cond_t wake;
    bool stop, look; /* under `waiting` */
    pthread_t threads[2];
    size_t thread_count;
};

static void read_slots(struct follower *follower, struct followed *followed)
{
    struct error error;
    int64_t now_us = clock_monotonic_us();
    if (!dependency_is_due(&follower->redis)) {
        followed->live.reachable = false;
        return;
    }
    bool probing = now_us >= followed->next_probe_us;
    if (!live_read(&followed->live, follower->stores.realtime, probing ? PROBES : 0, &error)) {
        dependency_failed(&follower->redis, &error);
        return;
    }
    if (probing)
        followed->next_probe_us = now_us + PROBE_EVERY_US;
    dependency_answered(&follower->redis);
    followed->snapshot->live_read_us = clock_monotonic_us();
}

/* Notes whether the slots fit; false where a newer publication should be read before anything is said of it. */
static bool judge_fit(struct follower *follower, struct followed *followed)
{
    int64_t now_us = clock_monotonic_us();
    if (live_fits(&followed->live, &followed->snapshot->publication)) {
        followed->misfit_since_us = 0;
        return true;
    }
    if (followed->misfit_since_us == 0) {
        followed->misfit_since_us = now_us;
        followed->next_publication_us = 0;
        pthread_mutex_lock(&follower->waiting);
        follower->look = true;
        pthread_cond_broadcast(&follower->wake);
        pthread_mutex_unlock(&follower->waiting);
    }
    return followed->looked_us >= followed->misfit_since_us ||
           now_us - followed->misfit_since_us >= follower->times.patience_us;
}

void follower_read_live(struct follower *follower)
{
    struct error error;
    for (size_t i = 0; i < follower->count; i++) {
        struct followed *followed = &follower->followed[i];
        pthread_mutex_lock(&follower->mutex);
        read_slots(follower, followed);
        if (followed->snapshot->loaded && judge_fit(follower, followed) &&
            !snapshot_update(followed->snapshot, &followed->live, NULL, NULL, &error))
            log_error("%s", error.message);
        pthread_mutex_unlock(&follower->mutex);
    }
}

static bool is_same(const struct publication *a, const struct publication *b)
{
    return a->epoch == b->epoch && a->published_at_us == b->published_at_us &&
           memcmp(a->view_fingerprints, b->view_fingerprints, sizeof a->view_fingerprints) == 0;
}

/* Whether what is published isn't what the snapshot holds. Only this thread changes the snapshot's publication. */
static bool has_moved(struct follower *follower, const struct snapshot *snapshot, bool loaded, bool *ret_moved,
                      struct error *error)
{
    *ret_moved = true;
    if (!loaded)
        return true;
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

/* Puts what was read in place, together with what the slots say by now. */
static bool place(struct follower *follower, struct followed *followed, struct staging *staging,
                  struct publication *publication, struct error *error)
{
    pthread_mutex_lock(&follower->mutex);
    bool done = live_grow(&followed->live, partitions_named(publication), error);
    if (done) {
        read_slots(follower, followed);
        done = snapshot_update(followed->snapshot, &followed->live, staging, publication, error);
        if (done && live_fits(&followed->live, &followed->snapshot->publication))
            followed->misfit_since_us = 0; /* the next misfit is another one */
    } else {
        publication_clean_up(publication);
    }
    pthread_mutex_unlock(&follower->mutex);
    return done;
}

static bool take_publication(struct follower *follower, struct followed *followed, bool loaded, struct error *error)
{
    struct snapshot *snapshot = followed->snapshot;
    struct publication publication;
    struct staging staging;
    if (!staging_init(&staging, snapshot->source, snapshot->bytes_max, error))
        return false;
    struct published_rows rows = staging_receiver(&staging);
    bool done = follower->stores.read_published(follower->stores.publications, snapshot->source,
                                                loaded ? snapshot->publication.epoch : 0, &rows, &publication, error) &&
                place(follower, followed, &staging, &publication, error);
    if (done)
        log_info("answering %s from epoch %lld", snapshot->source->name, (long long)snapshot->publication.epoch);
    staging_clean_up(&staging);
    return done;
}

static bool take_runs(struct follower *follower, struct snapshot *snapshot, struct error *error)
{
    struct buffer runs = {0};
    bool done = !follower->stores.read_runs ||
                follower->stores.read_runs(follower->stores.publications, snapshot->source, &runs, error);
    if (done) {
        pthread_rwlock_wrlock(&snapshot->lock);
        struct buffer before = snapshot->runs;
        snapshot->runs = runs;
        pthread_rwlock_unlock(&snapshot->lock);
        runs = before;
    }
    buffer_clean_up(&runs);
    return done;
}

static void look_at_publication(struct follower *follower, struct followed *followed, bool loaded)
{
    struct error error;
    bool moved;
    int64_t began_us = clock_monotonic_us();
    if (!has_moved(follower, followed->snapshot, loaded, &moved, &error) ||
        (moved && !take_publication(follower, followed, loaded, &error)) ||
        !take_runs(follower, followed->snapshot, &error)) {
        dependency_failed(&follower->postgres, &error);
        return;
    }
    dependency_answered(&follower->postgres);
    pthread_mutex_lock(&follower->mutex);
    followed->looked_us = began_us;
    if (followed->misfit_since_us <= began_us) /* one that came up meanwhile asked for another look, at once */
        followed->next_publication_us = began_us + follower->times.publication_us;
    pthread_mutex_unlock(&follower->mutex);
    followed->snapshot->published_read_us = clock_monotonic_us();
}

void follower_look_at_publications(struct follower *follower)
{
    for (size_t i = 0; i < follower->count; i++) {
        struct followed *followed = &follower->followed[i];
        pthread_mutex_lock(&follower->mutex);
        bool due = clock_monotonic_us() >= followed->next_publication_us, loaded = followed->snapshot->loaded;
        pthread_mutex_unlock(&follower->mutex);
        if ((due || !loaded) && dependency_is_due(&follower->postgres))
            look_at_publication(follower, followed, loaded);
    }
}

/* Waits for the next pass, or until a look at the publications is asked for; false where the thread is to end. */
static bool wait_for_pass(struct follower *follower, int64_t next_us, bool looks)
{
    struct timespec until = {.tv_sec = next_us / US_PER_SECOND, .tv_nsec = next_us % US_PER_SECOND * 1000};
    pthread_mutex_lock(&follower->waiting);
    while (!follower->stop && !(looks && follower->look) && clock_monotonic_us() < next_us)
        pthread_cond_timedwait(&follower->wake, &follower->waiting, &until);
    if (looks)
        follower->look = false;
    bool go_on = !follower->stop;
    pthread_mutex_unlock(&follower->waiting);
    return go_on;
}

static void *run_publications(void *context)
{
    struct follower *follower = context;
    int64_t next_us = clock_monotonic_us();
    while (wait_for_pass(follower, next_us, true)) {
        follower_look_at_publications(follower);
        next_us = clock_monotonic_us() + follower->times.publication_us / 4;
    }
    return NULL;
}

static void *run_live(void *context)
{
    struct follower *follower = context;
    int64_t next_us = clock_monotonic_us();
    while (wait_for_pass(follower, next_us, false)) {
        next_us = clock_monotonic_us() + follower->times.live_us;
        follower_read_live(follower);
    }
    return NULL;
}

static void synchronisation_init(struct follower *follower)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&follower->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&follower->mutex, NULL);
    pthread_mutex_init(&follower->waiting, NULL);
}

bool follower_new(const struct follower_stores *stores, struct snapshot *const snapshots[], size_t count,
                  struct follower_times times, struct metrics *metrics, struct follower **ret_follower,
                  struct error *error)
{
    struct follower *follower = calloc(1, sizeof *follower);
    struct followed *followed = calloc(count + 1, sizeof *followed);
    if (!follower || !followed) {
        free(follower);
        free(followed);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *follower = (struct follower){.stores = *stores, .followed = followed, .times = times};
    synchronisation_init(follower);
    dependency_init(&follower->postgres, "PostgreSQL", "postgres", metrics);
    dependency_init(&follower->redis, "Redis", "redis", metrics);
    for (; follower->count < count; follower->count++) {
        followed[follower->count].snapshot = snapshots[follower->count];
        if (!live_init(&followed[follower->count].live, snapshots[follower->count]->source, error)) {
            follower_destroy(follower);
            return false;
        }
        if (times.silent_us > 0)
            followed[follower->count].live.silent_us = times.silent_us;
    }
    *ret_follower = follower;
    return true;
}

bool follower_start(struct follower *follower, struct error *error)
{
    void *(*const runs[])(void *) = {run_publications, run_live};
    for (; follower->thread_count < 2; follower->thread_count++)
        if (pthread_create(&follower->threads[follower->thread_count], NULL, runs[follower->thread_count], follower))
            return error_set(error, ERROR_INTERNAL, "can't start a thread");
    return true;
}

void follower_destroy(struct follower *follower)
{
    if (!follower)
        return;
    pthread_mutex_lock(&follower->waiting);
    follower->stop = true;
    pthread_cond_broadcast(&follower->wake);
    pthread_mutex_unlock(&follower->waiting);
    for (size_t i = 0; i < follower->thread_count; i++)
        pthread_join(follower->threads[i], NULL);
    for (size_t i = 0; i < follower->count; i++)
        live_clean_up(&follower->followed[i].live);
    pthread_cond_destroy(&follower->wake);
    pthread_mutex_destroy(&follower->waiting);
    pthread_mutex_destroy(&follower->mutex);
    free(follower->followed);
    free(follower);
}
