/* SPDX-License-Identifier: Apache-2.0
 * Tells how many messages wait where nobody reads: asks the logs themselves where they end, as long as no speed layer
 * says so in its slots. Where all is read nothing is asked, and there is no connection to Kafka. */
#ifndef TIDEMARK_SERVING_LOG_WATCH_H
#define TIDEMARK_SERVING_LOG_WATCH_H

#include "ports/log.h"
#include "merged/snapshot.h"

struct log_watch_options {
    /* Called once, when a log is asked for the first time; tried again where it fails. */
    bool (*open)(void *context, struct event_log **ret_log, struct error *error);
    void *context;
    int64_t unread_after_us; /* a topic of which no partition is known by then has no speed layer */
};

struct log_watch;

/* Fills the `log` of these snapshots, which must outlive it. */
bool log_watch_new(const struct log_watch_options *options, struct snapshot *const snapshots[], size_t count,
                   struct log_watch **ret_watch, struct error *error) MUST_CHECK;

bool log_watch_start(struct log_watch *watch, struct error *error) MUST_CHECK;

/* What the thread does again and again: for tests that start none. Each log is asked every few seconds at most. */
void log_watch_look(struct log_watch *watch);

/* Ends the thread where it was started, and closes the log. NULL is allowed. */
void log_watch_destroy(struct log_watch *watch);

#endif
