/* SPDX-License-Identifier: Apache-2.0 */
#include "detector_watch.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"

#define LOOK_EVERY_US (5 * US_PER_SECOND)

struct watched_detector {
    struct alert_store *store;           /* NULL: not open */
    struct detector_position *positions; /* by partition; NULL: not known */
    size_t count;
    bool has_failed; /* the last time, which was said */
};

struct detector_watch {
    struct detector_watch_options options;
    struct watched_detector *watched;
    pthread_rwlock_t lock; /* of positions */
    struct ticker ticker;
};

/* *ret_positions is the caller's to free. */
static bool ask(const struct detector_watch *watch, size_t number, struct detector_position **ret_positions,
                size_t *ret_count, struct error *error)
{
    struct watched_detector *watched = &watch->watched[number];
    size_t count = watch->options.partitions(watch->options.context, number);
    if (!watched->store && !watch->options.open(watch->options.context, number, &watched->store, error))
        return false;
    struct detector_position *positions = calloc(count + 1, sizeof *positions);
    if (!positions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (count > 0 && !watched->store->operations->positions(watched->store, positions, count, error)) {
        free(positions);
        return false;
    }
    *ret_positions = positions;
    *ret_count = count;
    return true;
}

static void look_at(struct detector_watch *watch, size_t number)
{
    struct watched_detector *watched = &watch->watched[number];
    struct detector_position *positions = NULL;
    struct error error = {0};
    size_t count = 0;
    bool done = ask(watch, number, &positions, &count, &error);
    if (!done && !watched->has_failed)
        log_warning("where the detector %s stands isn't known: %s", watch->options.detectors[number].name,
                    error.message);
    watched->has_failed = !done;
    pthread_rwlock_wrlock(&watch->lock);
    free(watched->positions);
    watched->positions = positions;
    watched->count = count;
    pthread_rwlock_unlock(&watch->lock);
}

void detector_watch_look(struct detector_watch *watch)
{
    for (size_t i = 0; i < watch->options.count; i++)
        look_at(watch, i);
}

bool detector_watch_visit(struct detector_watch *watch, size_t detector,
                          void (*take)(void *context, size_t partition, const struct detector_position *position),
                          void *context)
{
    const struct watched_detector *watched = &watch->watched[detector];
    pthread_rwlock_rdlock(&watch->lock);
    bool is_known = watched->positions != NULL;
    for (size_t i = 0; is_known && i < watched->count; i++)
        if (watched->positions[i].offset >= 0)
            take(context, i, &watched->positions[i]);
    pthread_rwlock_unlock(&watch->lock);
    return is_known;
}

/* --- Life -------------------------------------------------------------------------------------------------------- */

static int64_t tick(void *context)
{
    detector_watch_look(context);
    return clock_monotonic_us() + LOOK_EVERY_US;
}

bool detector_watch_new(const struct detector_watch_options *options, struct detector_watch **ret_watch,
                        struct error *error)
{
    struct detector_watch *watch = calloc(1, sizeof *watch);
    struct watched_detector *watched = calloc(options->count + 1, sizeof *watched);
    if (!watch || !watched) {
        free(watch);
        free(watched);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *watch = (struct detector_watch){.options = *options, .watched = watched};
    pthread_rwlock_init(&watch->lock, NULL);
    ticker_init(&watch->ticker, tick, watch);
    *ret_watch = watch;
    return true;
}

bool detector_watch_start(struct detector_watch *watch, struct error *error)
{
    return ticker_start(&watch->ticker, 0, error);
}

void detector_watch_destroy(struct detector_watch *watch)
{
    if (!watch)
        return;
    ticker_clean_up(&watch->ticker);
    for (size_t i = 0; i < watch->options.count; i++) {
        if (watch->watched[i].store)
            watch->watched[i].store->operations->destroy(watch->watched[i].store);
        free(watch->watched[i].positions);
    }
    pthread_rwlock_destroy(&watch->lock);
    free(watch->watched);
    free(watch);
}
