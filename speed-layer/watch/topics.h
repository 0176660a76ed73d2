/* SPDX-License-Identifier: Apache-2.0
 * The topics that the file names: those for dead letters and alerts are made before the workers start, and a topic that
 * is followed must be a log of all messages, not a compacted one. As topics can be made, and their policies changed, at
 * any time, and brokers not answer, a thread of its own looks at them again every minute, and ends the process where
 * one is compacted.
 */
#ifndef TIDEMARK_SPEED_TOPICS_H
#define TIDEMARK_SPEED_TOPICS_H

#include "config/settings.h"
#include "kafka/client.h"

struct topics;

/* Waits for what is to be made until the brokers answer, or a shutdown is requested, looks at the others if they answer
 * soon, and starts the thread. ERROR_CONFIGURATION names a topic that is compacted. `settings` and `access` must
 * outlive it. */
bool topics_start(const struct settings *settings, const struct kafka_access *access, struct topics **ret_topics,
                  struct error *error) MUST_CHECK;

/* Returns the exit code: 0, or that of what the thread found. NULL is allowed. */
int topics_stop(struct topics *topics);

#endif
