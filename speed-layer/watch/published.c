/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/published.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/ticker.h"
#include "postgres/sourced_publications.h"

#define EVERY_US (US_PER_SECOND / 2)

struct published {
    const struct settings *settings;
    struct publication_store *store;
    struct ticker ticker;
    struct retry retry;
    enum error_code said; /* what was last complained of; another reason is said too */
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

static int64_t tick(void *context)
{
    struct published *published = context;
    struct error error = {0};
    int64_t now_us = clock_monotonic_us();
    if (read_all(published, &error)) {
        if (published->said)
            log_info("PostgreSQL answers again");
        published->said = ERROR_NONE;
        retry_succeeded(&published->retry);
        return now_us + EVERY_US;
    }
    if (error.code != published->said)
        log_write(error_is_retriable(&error) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                  "%s; going on without what is published", error.message);
    published->said = error.code;
    retry_failed(&published->retry, clock_monotonic_us());
    return published->retry.next_us;
}

static void destroy(struct published *published)
{
    ticker_clean_up(&published->ticker);
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
    published->retry = RETRY_DEPENDENCY;
    pthread_mutex_init(&published->lock, NULL);
    ticker_init(&published->ticker, tick, published);
    published->latest = calloc(settings->source_count + 1, sizeof *published->latest);
    bool started = published->latest || error_set(error, ERROR_INTERNAL, "out of memory");
    started = started &&
              sourced_publications_open(settings->postgres.url, settings->postgres.password, settings->sources,
                                        settings->source_count, &published->store, error) &&
              ticker_start(&published->ticker, 0, error);
    if (!started) {
        destroy(published);
        return false;
    }
    *ret_published = published;
    return true;
}

void published_stop(struct published *published)
{
    if (published)
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
