/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/native_day.h"

#include <stdlib.h>

#include "base/shutdown.h"

bool native_day_ends(const struct native_day *native)
{
    return atomic_load(&native->ends) || shutdown_requested();
}

bool native_day_check_groups(const struct native_worker *worker, double done, double all, struct error *error)
{
    const struct native_day *native = worker->native;
    int64_t held = day_groups_memory(&worker->groups), all_memory = native->day->settings->batch.memory_bytes;
    int64_t allowed = all_memory / GROUPS_SHARE / (int64_t)native->worker_count;
    if (held <= allowed)
        return true;
    double share = (double)all_memory / (double)allowed;
    return error_set(error, ERROR_CONFIGURATION,
                     "the groups of the view don't fit into \"batch.memory\": about %.0f MiB would do",
                     (double)held * all / done * share / (1 << 20));
}

struct thread_start {
    struct native_worker *worker;
    bool (*work)(struct native_worker *worker, struct error *error);
    pthread_t thread;
    bool is_started;
};

static void *run_thread(void *context)
{
    struct thread_start *start = context;
    struct native_worker *worker = start->worker;
    shutdown_end_thread_at(worker->native->end_us);
    worker->done = start->work(worker, &worker->error);
    if (!worker->done)
        atomic_store(&worker->native->ends, true);
    return NULL;
}

bool native_day_run(struct native_day *native, size_t count,
                    bool (*work)(struct native_worker *worker, struct error *error), struct error *error)
{
    struct thread_start *starts = calloc(count, sizeof *starts);
    if (!starts)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        starts[i] = (struct thread_start){.worker = &native->workers[i], .work = work};
        starts[i].is_started = pthread_create(&starts[i].thread, NULL, run_thread, &starts[i]) == 0;
        if (!starts[i].is_started) {
            atomic_store(&native->ends, true);
            done = error_set(error, ERROR_UNAVAILABLE, "can't start a thread");
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!starts[i].is_started)
            continue;
        pthread_join(starts[i].thread, NULL);
        if (done && !starts[i].worker->done) {
            *error = starts[i].worker->error;
            done = false;
        }
    }
    free(starts);
    if (done && shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "was asked to end before it was done");
    return done;
}
