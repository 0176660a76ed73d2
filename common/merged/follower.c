/* SPDX-License-Identifier: Apache-2.0 */
#include "merged/follower.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/retry.h"
#include "base/ticker.h"

#define PROBE_EVERY_US INT64_C(1000000)
#define PROBES 4 /* partition numbers looked for beyond those known */

/* What was read of PostgreSQL and isn't in place yet. */
struct handed {
    bool is_there;
    struct publication publication;
    struct staging staging;
    int64_t looked_us;    /* when the look that found it began */
    int64_t since_us;     /* when it was handed over */
    bool failed;          /* memory was short for the one before … */
    struct error failure; /* … which the thread that reads publications hasn't noted yet */
};

struct followed {
    struct snapshot *snapshot;
    struct live live;
    struct handed handed;
    int64_t next_probe_us;       /* of the thread that reads slots */
    int64_t misfit_since_us;     /* slots don't fit what is published since then; 0: they do */
    int64_t next_publication_us; /* when to look at it again */
    int64_t looked_us;           /* when the last look that succeeded began */
};

struct follower {
    struct follower_stores stores;
    struct follower_listener listener;
    struct retry retries[2]; /* by enum follower_store; each is of the thread that reads the store */
    struct followed *followed;
    size_t count;
    struct follower_times times;
    /* Guards the live parts, what is handed over, the times above and all updates of the snapshots. No store is waited
     * for with it. */
    pthread_mutex_t mutex;
    struct ticker publications, slots; /* the threads that read them */
};

static bool is_due(const struct follower *follower, enum follower_store store)
{
    return retry_wait_us(&follower->retries[store], clock_monotonic_us()) == 0;
}

static void note_answer(struct follower *follower, enum follower_store store)
{
    retry_succeeded(&follower->retries[store]);
    follower->listener.answered(follower->listener.context, store);
}

static void note_failure(struct follower *follower, enum follower_store store, const struct error *error)
{
    retry_failed(&follower->retries[store], clock_monotonic_us());
    follower->listener.failed(follower->listener.context, store, error);
}

static void read_slots(struct follower *follower, struct followed *followed)
{
    struct error error;
    int64_t now_us = clock_monotonic_us();
    if (!is_due(follower, FOLLOWER_SLOTS)) {
        pthread_mutex_lock(&follower->mutex);
        followed->live.reachable = false;
        pthread_mutex_unlock(&follower->mutex);
        return;
    }
    bool probing = now_us >= followed->next_probe_us;
    if (!live_read(&followed->live, follower->stores.realtime, probing ? PROBES : 0, &error)) {
        note_failure(follower, FOLLOWER_SLOTS, &error);
        return;
    }
    if (probing)
        followed->next_probe_us = now_us + PROBE_EVERY_US;
    note_answer(follower, FOLLOWER_SLOTS);
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
        ticker_wake(&follower->publications);
    }
    return followed->looked_us >= followed->misfit_since_us ||
           now_us - followed->misfit_since_us >= follower->times.grace_us;
}

/* A misfit that came up while it was looked asked for another look, at once. */
static void note_look(const struct follower *follower, struct followed *followed, int64_t began_us)
{
    followed->looked_us = began_us;
    if (followed->misfit_since_us <= began_us)
        followed->next_publication_us = began_us + follower->times.publication_us;
}

static size_t partitions_named(const struct publication *publication)
{
    size_t count = 0;
    for (size_t i = 0; i < publication->partition_count; i++)
        if ((size_t)publication->partitions[i].partition >= count)
            count = (size_t)publication->partitions[i].partition + 1;
    return count;
}

/* Puts what is handed over in place, together with what is held of the slots. */
static void place(struct follower *follower, struct followed *followed)
{
    struct handed *handed = &followed->handed;
    struct snapshot *snapshot = followed->snapshot;
    bool done = live_grow(&followed->live, partitions_named(&handed->publication), &handed->failure);
    if (done)
        done = snapshot_update(snapshot, &followed->live, &handed->staging, &handed->publication, &handed->failure);
    else
        publication_clean_up(&handed->publication);
    staging_clean_up(&handed->staging);
    handed->is_there = false;
    handed->failed = !done;
    if (!done)
        return;
    snapshot->published_read_us = clock_monotonic_us();
    note_look(follower, followed, handed->looked_us);
    if (live_fits(&followed->live, &snapshot->publication))
        followed->misfit_since_us = 0; /* the next misfit is another one */
    follower->listener.placed(follower->listener.context, snapshot->source, snapshot->publication.epoch);
}

/* Slots that fitted still do where none of them is new. */
static bool has_work(const struct followed *followed)
{
    return followed->misfit_since_us != 0 || live_is_due(&followed->live);
}

static bool is_handed(struct follower *follower, const struct followed *followed)
{
    pthread_mutex_lock(&follower->mutex);
    bool is_there = followed->handed.is_there;
    pthread_mutex_unlock(&follower->mutex);
    return is_there;
}

void follower_read_live(struct follower *follower)
{
    struct error error;
    for (size_t i = 0; i < follower->count; i++) {
        struct followed *followed = &follower->followed[i];
        bool was_handed = is_handed(follower, followed); /* then the slots are read after what is published */
        read_slots(follower, followed);
        pthread_mutex_lock(&follower->mutex);
        if (was_handed && followed->handed.is_there)
            place(follower, followed);
        else if (followed->snapshot->loaded && has_work(followed) && judge_fit(follower, followed) &&
                 !snapshot_update(followed->snapshot, &followed->live, NULL, NULL, &error))
            follower->listener.lacks_memory(follower->listener.context, &error);
        pthread_mutex_unlock(&follower->mutex);
    }
}

static bool is_same(const struct publication *a, const struct publication *b)
{
    return a->epoch == b->epoch && a->published_at_us == b->published_at_us &&
           memcmp(a->view_fingerprints, b->view_fingerprints, sizeof a->view_fingerprints) == 0;
}

/* Whether what is published isn't what the snapshot holds. While nothing is handed over, nobody changes the snapshot's
 * publication. */
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

/* Reads it and hands it over. */
static bool take_publication(struct follower *follower, struct followed *followed, bool loaded, int64_t began_us,
                             struct error *error)
{
    struct snapshot *snapshot = followed->snapshot;
    struct handed handed = {.is_there = true, .looked_us = began_us};
    if (!staging_init(&handed.staging, snapshot->source, snapshot->bytes_max, error))
        return false;
    handed.staging.range = snapshot->range;
    struct published_rows rows = staging_receiver(&handed.staging);
    struct publication_store *store = follower->stores.publications;
    if (!store->operations->read_rows(store, snapshot->source, loaded ? snapshot->publication.epoch : 0, &rows,
                                      &handed.publication, error)) {
        staging_clean_up(&handed.staging);
        return false;
    }
    handed.since_us = clock_monotonic_us();
    pthread_mutex_lock(&follower->mutex);
    followed->handed = handed;
    pthread_mutex_unlock(&follower->mutex);
    return true;
}

typedef bool list_read(struct publication_store *store, const struct source *source, struct buffer *ret_list,
                       struct error *error);

/* A list that the store keeps, if it does, takes the place of the one before. */
static bool take_list(struct follower *follower, struct snapshot *snapshot, list_read *read, struct buffer *list,
                      struct error *error)
{
    struct buffer taken = {0};
    bool done = !read || read(follower->stores.publications, snapshot->source, &taken, error);
    if (done) {
        pthread_rwlock_wrlock(&snapshot->lock);
        struct buffer before = *list;
        *list = taken;
        pthread_rwlock_unlock(&snapshot->lock);
        taken = before;
    }
    buffer_clean_up(&taken);
    return done;
}

static bool take_runs(struct follower *follower, const struct followed *followed, struct error *error)
{
    struct snapshot *snapshot = followed->snapshot;
    const struct publication_store_operations *operations = follower->stores.publications->operations;
    return take_list(follower, snapshot, operations->read_runs, &snapshot->runs, error) &&
           (followed != follower->followed ||
            take_list(follower, snapshot, operations->read_job_runs, &snapshot->job_runs, error));
}

static void look_at_publication(struct follower *follower, struct followed *followed, bool loaded)
{
    struct error error;
    bool moved;
    int64_t began_us = clock_monotonic_us();
    if (!has_moved(follower, followed->snapshot, loaded, &moved, &error) ||
        (moved && !take_publication(follower, followed, loaded, began_us, &error)) ||
        !take_runs(follower, followed, &error)) {
        note_failure(follower, FOLLOWER_PUBLICATIONS, &error);
        return;
    }
    note_answer(follower, FOLLOWER_PUBLICATIONS);
    if (moved)
        return;
    followed->snapshot->published_read_us = clock_monotonic_us();
    pthread_mutex_lock(&follower->mutex);
    note_look(follower, followed, began_us);
    pthread_mutex_unlock(&follower->mutex);
}

/* What the thread that reads slots didn't put in place in time, because Redis lets it wait, is put there without. */
static void place_late(struct follower *follower, struct followed *followed)
{
    if (clock_monotonic_us() - followed->handed.since_us < follower->times.grace_us)
        return;
    followed->live.reachable = false;
    place(follower, followed);
}

void follower_look_at_publications(struct follower *follower)
{
    for (size_t i = 0; i < follower->count; i++) {
        struct followed *followed = &follower->followed[i];
        pthread_mutex_lock(&follower->mutex);
        if (followed->handed.is_there)
            place_late(follower, followed);
        struct error failure = followed->handed.failure;
        bool loaded = followed->snapshot->loaded, failed = followed->handed.failed;
        bool due = !followed->handed.is_there && (!loaded || clock_monotonic_us() >= followed->next_publication_us);
        followed->handed.failed = false;
        pthread_mutex_unlock(&follower->mutex);
        if (failed)
            note_failure(follower, FOLLOWER_PUBLICATIONS, &failure);
        if (due && is_due(follower, FOLLOWER_PUBLICATIONS))
            look_at_publication(follower, followed, loaded);
    }
}

static int64_t tick_publications(void *context)
{
    struct follower *follower = context;
    follower_look_at_publications(follower);
    return clock_monotonic_us() + follower->times.publication_us / 4;
}

static int64_t tick_slots(void *context)
{
    struct follower *follower = context;
    int64_t next_us = clock_monotonic_us() + follower->times.live_us;
    follower_read_live(follower);
    return next_us;
}

static bool followed_init(struct follower *follower, struct followed *followed, struct snapshot *snapshot,
                          struct error *error)
{
    followed->snapshot = snapshot;
    if (!live_init(&followed->live, snapshot->source, &follower->mutex, error))
        return false;
    followed->live.damaged = follower->listener.damaged;
    followed->live.context = follower->listener.context;
    if (follower->times.silent_us > 0)
        followed->live.silent_us = follower->times.silent_us;
    return true;
}

bool follower_new(const struct follower_stores *stores, struct snapshot *const snapshots[], size_t count,
                  struct follower_times times, const struct follower_listener *listener, struct follower **ret_follower,
                  struct error *error)
{
    struct follower *follower = calloc(1, sizeof *follower);
    struct followed *followed = calloc(count + 1, sizeof *followed);
    if (!follower || !followed) {
        free(follower);
        free(followed);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *follower = (struct follower){.stores = *stores,
                                  .followed = followed,
                                  .times = times,
                                  .listener = *listener,
                                  .retries = {RETRY_DEPENDENCY, RETRY_DEPENDENCY}};
    pthread_mutex_init(&follower->mutex, NULL);
    ticker_init(&follower->publications, tick_publications, follower);
    ticker_init(&follower->slots, tick_slots, follower);
    for (; follower->count < count; follower->count++) {
        if (!followed_init(follower, &followed[follower->count], snapshots[follower->count], error)) {
            follower_destroy(follower);
            return false;
        }
    }
    *ret_follower = follower;
    return true;
}

bool follower_start(struct follower *follower, struct error *error)
{
    return ticker_start(&follower->publications, 0, error) && ticker_start(&follower->slots, 0, error);
}

static void clean_up(struct followed *followed)
{
    live_clean_up(&followed->live);
    if (!followed->handed.is_there)
        return;
    publication_clean_up(&followed->handed.publication);
    staging_clean_up(&followed->handed.staging);
}

void follower_destroy(struct follower *follower)
{
    if (!follower)
        return;
    ticker_stop(&follower->slots); /* it may wake the other */
    ticker_stop(&follower->publications);
    for (size_t i = 0; i < follower->count; i++)
        clean_up(&follower->followed[i]);
    ticker_clean_up(&follower->slots);
    ticker_clean_up(&follower->publications);
    pthread_mutex_destroy(&follower->mutex);
    free(follower->followed);
    free(follower);
}
