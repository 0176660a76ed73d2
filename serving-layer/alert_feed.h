/* SPDX-License-Identifier: Apache-2.0
 * The newest alerts of all alert topics, in memory: a thread of its own reads the topics as read_committed shows them.
 * Views are answered without it. */
#ifndef TIDEMARK_SERVING_ALERT_FEED_H
#define TIDEMARK_SERVING_ALERT_FEED_H

#include "config/settings.h"
#include "ports/log.h"

struct feed_alert {
    int64_t event_time_us;
    int64_t number; /* of its arrival here */
    const struct detector *detector;
    struct text json;   /* as it lies in the topic */
    const void *fields; /* packed_fields of the source's declared ones, the event time's as absent */
    size_t bytes;
};

struct alert_feed;

/* `open` opens the log when it is first needed, and is tried again where it fails. `settings` must outlive it. */
bool alert_feed_new(const struct settings *settings,
                    bool (*open)(void *context, struct event_log **ret_log, struct error *error), void *context,
                    struct alert_feed **ret_feed, struct error *error) MUST_CHECK;
bool alert_feed_start(struct alert_feed *feed, struct error *error) MUST_CHECK;
/* Ends the thread where it was started. NULL is allowed. */
void alert_feed_destroy(struct alert_feed *feed);

/* What the thread does again and again: for tests that start none. */
void alert_feed_read(struct alert_feed *feed);

/* Which alerts a reader can be told of that knows those up to some number. */
struct alert_feed_state {
    int64_t newest; /* the number of the latest that came; -1: none did */
    int64_t known;  /* of one that knows less, some were given up, or their topic was made anew: it has to begin anew */
};
struct alert_feed_state alert_feed_state(struct alert_feed *feed);

/* Calls `take` for each alert that is held, in no order, under a lock that the thread waits for; *ret_state (NULL: not
 * wanted) is what is held then. False where the topics can't be read at the moment, or weren't yet: then what is held
 * may be old, and nothing is called. */
bool alert_feed_visit(struct alert_feed *feed, void (*take)(void *context, const struct feed_alert *alert),
                      void *context, struct alert_feed_state *ret_state);

#endif
