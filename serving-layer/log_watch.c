/* SPDX-License-Identifier: Apache-2.0 */
#include "log_watch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"

#define LOOK_EVERY_US US_PER_SECOND
#define ASK_EVERY_US (5 * US_PER_SECOND)

struct watched {
    struct snapshot *snapshot;
    int64_t empty_since_us; /* no partition is known since then; 0: some are, or the stores weren't read yet */
    int64_t ask_at_us;
};

struct log_watch {
    struct log_watch_options options;
    struct event_log *log;  /* NULL until it is needed */
    enum error_code failed; /* what was said of it last; ERROR_NONE: it answered */
    struct watched *watched;
    size_t count;
    struct ticker ticker;
};

/* Which partitions' ends are wanted: those that are silent, and all behind those that are known. */
struct wanted {
    bool any;
    size_t known;
    bool *silent;
};

static bool look_at_snapshot(const struct log_watch *watch, struct watched *watched, struct wanted *ret_wanted)
{
    struct snapshot *snapshot = watched->snapshot;
    int64_t now_us = clock_monotonic_us();
    pthread_rwlock_rdlock(&snapshot->lock);
    struct wanted wanted = {.known = snapshot->partition_count,
                            .silent = calloc(snapshot->partition_count + 1, sizeof *wanted.silent)};
    for (size_t i = 0; wanted.silent && i < wanted.known; i++) {
        wanted.silent[i] = snapshot->partitions[i].silent;
        wanted.any = wanted.any || wanted.silent[i];
    }
    bool is_empty = wanted.known == 0 && snapshot->loaded && snapshot->live_reachable;
    pthread_rwlock_unlock(&snapshot->lock);
    watched->empty_since_us = !is_empty ? 0 : watched->empty_since_us ? watched->empty_since_us : now_us;
    wanted.any = wanted.any || (is_empty && now_us - watched->empty_since_us >= watch->options.unread_after_us);
    *ret_wanted = wanted;
    return wanted.silent != NULL;
}

static bool ask_partitions(struct log_watch *watch, const struct source *source, const struct wanted *wanted,
                           struct log_sight sights[], size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        sights[i] = (struct log_sight){-1, -1};
        if (i < wanted->known && !wanted->silent[i])
            continue;
        if (ticker_is_stopping(&watch->ticker))
            return error_set(error, ERROR_TRY_AGAIN, "ending");
        if (!watch->log->operations->ends(watch->log, source->topic, (int32_t)i, &sights[i].first, &sights[i].end,
                                          error))
            return false;
    }
    return true;
}

/* *ret_sights is the caller's to free. */
static bool ask(struct log_watch *watch, const struct source *source, const struct wanted *wanted,
                struct log_sight **ret_sights, size_t *ret_count, struct error *error)
{
    int32_t count;
    if ((!watch->log && !watch->options.open(watch->options.context, &watch->log, error)) ||
        !watch->log->operations->partition_count(watch->log, source->topic, &count, error))
        return false;
    size_t most = count < 0 ? 0 : count > PARTITIONS_MAX ? PARTITIONS_MAX : (size_t)count;
    struct log_sight *sights = calloc(most + 1, sizeof *sights);
    if (!sights)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!ask_partitions(watch, source, wanted, sights, most, error)) {
        free(sights);
        return false;
    }
    *ret_sights = sights;
    *ret_count = most;
    return true;
}

static void place(struct snapshot *snapshot, struct log_sight *sights, size_t count)
{
    snapshot_begin_change(snapshot);
    struct log_sight *before = snapshot->log;
    snapshot->log = sights;
    snapshot->log_count = count;
    snapshot_end_change(snapshot);
    free(before);
}

static void say(struct log_watch *watch, const struct source *source, const struct error *error)
{
    if (error->code != watch->failed && !ticker_is_stopping(&watch->ticker))
        log_warning("nobody reads the log of %s, and how many messages wait there isn't known: %s", source->name,
                    error->message);
    watch->failed = error->code;
}

static void look_at(struct log_watch *watch, struct watched *watched, const struct wanted *wanted)
{
    struct snapshot *snapshot = watched->snapshot;
    struct log_sight *sights = NULL;
    struct error error = {0};
    size_t count = 0;
    if (!wanted->any) {
        watched->ask_at_us = 0;
        if (snapshot->log) /* only this thread changes it */
            place(snapshot, NULL, 0);
        return;
    }
    if (clock_monotonic_us() < watched->ask_at_us)
        return;
    if (ask(watch, snapshot->source, wanted, &sights, &count, &error))
        watch->failed = ERROR_NONE;
    else
        say(watch, snapshot->source, &error);
    place(snapshot, sights, count);
    watched->ask_at_us = clock_monotonic_us() + ASK_EVERY_US;
}

void log_watch_look(struct log_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct wanted wanted;
        if (look_at_snapshot(watch, &watch->watched[i], &wanted))
            look_at(watch, &watch->watched[i], &wanted);
        free(wanted.silent);
    }
}

static int64_t tick(void *context)
{
    log_watch_look(context);
    return clock_monotonic_us() + LOOK_EVERY_US;
}

bool log_watch_new(const struct log_watch_options *options, struct snapshot *const snapshots[], size_t count,
                   struct log_watch **ret_watch, struct error *error)
{
    struct log_watch *watch = calloc(1, sizeof *watch);
    struct watched *watched = calloc(count + 1, sizeof *watched);
    if (!watch || !watched) {
        free(watch);
        free(watched);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *watch = (struct log_watch){.options = *options, .watched = watched, .count = count};
    for (size_t i = 0; i < count; i++)
        watched[i].snapshot = snapshots[i];
    ticker_init(&watch->ticker, tick, watch);
    *ret_watch = watch;
    return true;
}

bool log_watch_start(struct log_watch *watch, struct error *error)
{
    return ticker_start(&watch->ticker, clock_monotonic_us() + LOOK_EVERY_US, error);
}

void log_watch_destroy(struct log_watch *watch)
{
    if (!watch)
        return;
    ticker_stop(&watch->ticker);
    if (watch->log)
        watch->log->operations->destroy(watch->log);
    ticker_clean_up(&watch->ticker);
    free(watch->watched);
    free(watch);
}
