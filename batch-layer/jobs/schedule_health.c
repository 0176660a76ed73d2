/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/schedule_health.h"

#include <stdlib.h>

bool schedule_health_init(struct schedule_health *health, const struct settings *settings, struct error *error)
{
    *health = (struct schedule_health){.settings = settings};
    error_set(&health->waits, ERROR_UNAVAILABLE, "PostgreSQL could not be asked yet");
    health->failures = calloc(settings->job_count + 1, sizeof *health->failures);
    if (!health->failures)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    pthread_mutex_init(&health->mutex, NULL);
    return true;
}

void schedule_health_clean_up(struct schedule_health *health)
{
    if (health->failures)
        pthread_mutex_destroy(&health->mutex);
    free(health->failures);
    *health = (struct schedule_health){0};
}

static void set(struct schedule_health *health, struct error *to, const struct error *from)
{
    pthread_mutex_lock(&health->mutex);
    *to = from ? *from : (struct error){0};
    pthread_mutex_unlock(&health->mutex);
}

void schedule_health_waits(struct schedule_health *health, const struct error *reason)
{
    set(health, &health->waits, reason);
}

void schedule_health_job(struct schedule_health *health, size_t job, const struct error *failure)
{
    set(health, &health->failures[job], failure);
}

void schedule_health_append_hindrances(struct schedule_health *health, struct buffer *out)
{
    pthread_mutex_lock(&health->mutex);
    if (health->waits.code != ERROR_NONE)
        buffer_appendf(out, "%s\n", health->waits.message);
    for (size_t i = 0; i < health->settings->job_count; i++)
        if (health->failures[i].code != ERROR_NONE)
            buffer_appendf(out, "job %s: %s\n", health->settings->jobs[i].name, health->failures[i].message);
    pthread_mutex_unlock(&health->mutex);
}
