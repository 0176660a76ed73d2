/* SPDX-License-Identifier: Apache-2.0
 * The detectors of a process, each a reader in a thread of its own. */
#ifndef TIDEMARK_SPEED_DETECTORS_H
#define TIDEMARK_SPEED_DETECTORS_H

#include "config/settings.h"
#include "kafka/client.h"
#include "metrics/metrics.h"
#include "ports/readers.h"

struct detectors;

/* What a detector is called at the brokers. */
struct detector_names {
    char group[DETECTOR_GROUP_SIZE];
    char client_id[CLIENT_ID_SIZE]; /* "tidemark/<namespace>/detector/<name>" */
};

/* The access of a detector's group; the names lie in `names`. */
struct kafka_access detector_access(const struct settings *settings, const struct detector *detector,
                                    struct detector_names *names);

/* Starts them; `settings` and metrics, of the table speed_metrics, must outlive them. Where one can't go on it says so
 * and requests the shutdown. With `until_end` each ends once all that is assigned to it is judged up to the ends that
 * there were. */
bool detectors_start(const struct settings *settings, struct metrics *metrics, bool until_end,
                     struct detectors **ret_detectors, struct error *error) MUST_CHECK;
/* Whether one of them hasn't come round for so long that nothing explains it. */
bool detectors_are_stuck(const struct detectors *detectors);
/* Appends what hinders them, a line each. */
void detectors_append_hindrances(const struct detectors *detectors, struct buffer *out);
/* Waits for their end; the exit code of the first that failed, or 0. NULL is allowed. */
int detectors_join(struct detectors *detectors);
/* After that: whether all have judged up to the ends, where they were to; NULL has none. */
bool detectors_have_reached_ends(const struct detectors *detectors);
void detectors_destroy(struct detectors *detectors); /* after that; NULL is allowed */

#endif
