/* SPDX-License-Identifier: Apache-2.0
 * Where the detectors stand, as the positions of their groups in Kafka say: a thread of its own asks every few seconds.
 */
#ifndef TIDEMARK_SERVING_DETECTOR_WATCH_H
#define TIDEMARK_SERVING_DETECTOR_WATCH_H

#include "config/settings.h"
#include "ports/alert_store.h"

struct detector_watch_options {
    const struct detector *detectors;
    size_t count;
    /* Opens the store of a detector when it is first asked; tried again where it fails. */
    bool (*open)(void *context, size_t detector, struct alert_store **ret_store, struct error *error);
    /* How many partitions the detector's topic has, as far as it is known. */
    size_t (*partitions)(void *context, size_t detector);
    void *context;
};

struct detector_watch;

bool detector_watch_new(const struct detector_watch_options *options, struct detector_watch **ret_watch,
                        struct error *error) MUST_CHECK;
bool detector_watch_start(struct detector_watch *watch, struct error *error) MUST_CHECK;
/* What the thread does again and again: for tests that start none. */
void detector_watch_look(struct detector_watch *watch);
/* Ends the thread where it was started. NULL is allowed. */
void detector_watch_destroy(struct detector_watch *watch);

/* Calls `take` for each partition of a detector that has a position. False where nothing is known: it wasn't asked yet,
 * or there was no answer. */
bool detector_watch_visit(struct detector_watch *watch, size_t detector,
                          void (*take)(void *context, size_t partition, const struct detector_position *position),
                          void *context);

#endif
