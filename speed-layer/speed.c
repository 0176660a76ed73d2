/* SPDX-License-Identifier: Apache-2.0 */
#include "speed.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "config/program.h"
#include "worker.h"

struct job_of_worker {
    struct speed *speed;
    int number, code;
};

static void *run_worker(void *context)
{
    struct job_of_worker *job = context;
    job->code = worker_run(job->speed, job->number);
    if (job->code)
        shutdown_request();
    return NULL;
}

static int run_workers(struct speed *speed)
{
    size_t count = (size_t)speed->settings->speed.workers, started = 0;
    struct job_of_worker *jobs = calloc(count, sizeof *jobs);
    pthread_t *threads = calloc(count, sizeof *threads);
    int code = 0;
    for (; jobs && threads && started < count; started++) {
        jobs[started] = (struct job_of_worker){speed, (int)started, 0};
        if (pthread_create(&threads[started], NULL, run_worker, &jobs[started]) != 0)
            break;
    }
    if (started < count) {
        const struct error error = {ERROR_INTERNAL, "not all workers could be started"};
        code = program_fail(&error);
        shutdown_request();
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        code = code ? code : jobs[i].code;
    }
    free(jobs);
    free(threads);
    return code;
}

/* Waits until the brokers answer: a dead-letter topic must be there before the first bad message. */
static bool create_dead_letter_topics(struct speed *speed, struct error *error)
{
    struct retry retry = RETRY_DEPENDENCY;
    for (size_t i = 0; i < speed->settings->source_count;) {
        const char *topic = speed->settings->sources[i].dead_letter;
        if (!topic || dead_letters_create_topic(speed->dead_letters, topic, error)) {
            retry_succeeded(&retry);
            i++;
            continue;
        }
        if (!error_is_retriable(error))
            return false;
        if (retry.attempts % 10 == 0)
            log_warning("%s; waiting for it", error->message);
        retry_failed(&retry, clock_monotonic_us());
        if (!shutdown_sleep(retry_wait_us(&retry, clock_monotonic_us()) / 1000))
            return true; /* the workers see it too */
    }
    return true;
}

static bool has_dead_letters(const struct settings *settings)
{
    for (size_t i = 0; i < settings->source_count; i++)
        if (settings->sources[i].dead_letter)
            return true;
    return false;
}

int speed_run(const struct settings *settings, bool until_end)
{
    struct speed speed = {
        .settings = settings,
        .kafka = {settings->kafka.brokers, settings->kafka.group, settings->kafka.properties,
                  settings->kafka.property_count},
        .budget = {.ceiling_bytes = settings->speed.index_bytes},
        .started_us = clock_wall_us(),
        .until_end = until_end,
    };
    struct error error = {0};
    bool ready = !has_dead_letters(settings) || (dead_letters_open(&speed.kafka, &speed.dead_letters, &error) &&
                                                 create_dead_letter_topics(&speed, &error));
    ready = ready && published_start(settings, &speed.published, &error);
    int code = ready ? run_workers(&speed) : program_fail(&error);
    published_stop(speed.published);
    dead_letters_close(speed.dead_letters);
    if (code == 0)
        log_info("ended cleanly");
    return code;
}
