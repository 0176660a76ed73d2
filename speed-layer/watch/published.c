/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/published.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"
#include "postgres/postgres.h"

#define EVERY_US (US_PER_SECOND / 2)

struct published {
    const struct settings *settings;
    struct publication_store *store;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of what follows */
    struct latest {
        bool known;
        struct publication publication;
    } * latest; /* one a source */
};

static bool read_all(struct published *published, struct error *error)
{
    for (size_t i = 0; i < published->settings->source_count; i++) {
        struct publication publication = {0};
        if (!published->store->operations->read(published->store, &published->settings->sources[i], &publication,
                                                error))
            return false;
        pthread_mutex_lock(&published->lock);
        publication_clean_up(&published->latest[i].publication);
        published->latest[i] = (struct latest){true, publication};
        pthread_mutex_unlock(&published->lock);
    }
    return true;
}

static void *follow(void *context)
{
    struct published *published = context;
    struct retry retry = RETRY_DEPENDENCY;
    enum error_code said = ERROR_NONE; /* what was last complained of; another reason is said too */
    int64_t next_us = 0;
    while (!atomic_load(&published->stopping)) {
        int64_t now_us = clock_monotonic_us();
        if (now_us < next_us) {
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
            continue;
        }
        struct error error = {0};
        if (read_all(published, &error)) {
            if (said)
                log_info("PostgreSQL answers again");
            said = ERROR_NONE;
            retry_succeeded(&retry);
            next_us = now_us + EVERY_US;
        } else {
            if (error.code != said)
                log_write(error_is_retriable(&error) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                          "%s; going on without what is published", error.message);
            said = error.code;
            retry_failed(&retry, clock_monotonic_us());
            next_us = retry.next_us;
        }
    }
    return NULL;
}

static void destroy(struct published *published)
{
    if (published->store)
        published->store->operations->destroy(published->store);
    for (size_t i = 0; published->latest && i < published->settings->source_count; i++)
        publication_clean_up(&published->latest[i].publication);
    free(published->latest);
    pthread_mutex_destroy(&published->lock);
    free(published);
}

bool published_start(const struct settings *settings, struct published **ret_published, struct error *error)
{
    struct published *published = calloc(1, sizeof *published);
    if (!published)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    published->settings = settings;
    pthread_mutex_init(&published->lock, NULL);
    published->latest = calloc(settings->source_count + 1, sizeof *published->latest);
    bool started = published->latest || error_set(error, ERROR_INTERNAL, "out of memory");
    started = started &&
              postgres_publications_open(settings->postgres.url, settings->postgres.password, &published->store, error);
    if (started && pthread_create(&published->thread, NULL, follow, published) != 0)
        started = error_set(error, ERROR_INTERNAL, "no thread can be made");
    if (!started) {
        destroy(published);
        return false;
    }
    *ret_published = published;
    return true;
}

void published_stop(struct published *published)
{
    if (!published)
        return;
    atomic_store(&published->stopping, true);
    pthread_join(published->thread, NULL);
    destroy(published);
}

bool published_get(void *context, size_t source, struct publication *ret_publication)
{
    struct published *published = context;
    pthread_mutex_lock(&published->lock);
    const struct latest *latest = &published->latest[source];
    bool known = latest->known;
    known = known && publication_copy(&latest->publication, ret_publication);
    pthread_mutex_unlock(&published->lock);
    return known;
}
