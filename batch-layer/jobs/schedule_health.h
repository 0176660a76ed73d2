/* SPDX-License-Identifier: Apache-2.0
 * What hinders the schedule, for whoever asks from another thread: that it hasn't begun, and the last failure of each
 * job. */
#ifndef TIDEMARK_BATCH_SCHEDULE_HEALTH_H
#define TIDEMARK_BATCH_SCHEDULE_HEALTH_H

#include <pthread.h>

#include "config/settings.h"

struct schedule_health {
    const struct settings *settings;
    pthread_mutex_t mutex;
    struct error waits;     /* why it hasn't begun yet; ERROR_NONE: it has */
    struct error *failures; /* one a job; ERROR_NONE: it went well when it was last tried, or wasn't tried yet */
};

bool schedule_health_init(struct schedule_health *health, const struct settings *settings,
                          struct error *error) MUST_CHECK;
void schedule_health_clean_up(struct schedule_health *health);

/* NULL: it has begun. */
void schedule_health_waits(struct schedule_health *health, const struct error *reason);
/* NULL: it went well. */
void schedule_health_job(struct schedule_health *health, size_t job, const struct error *failure);

/* A line each; nothing where all is well. */
void schedule_health_append_hindrances(struct schedule_health *health, struct buffer *out);

#endif
