/* SPDX-License-Identifier: Apache-2.0 */
#include "old_windows.h"

#include <stdlib.h>

#include "stores.h"
#include "view/rollup.h"

struct old_windows {
    pthread_mutex_t lock;
    struct old_reader {
        bool is_taken;
        struct follower_stores stores;
    } readers[OLD_WINDOWS_AT_ONCE];
    size_t bytes_max;
};

bool old_windows_open(const struct settings *settings, struct old_windows **ret_old, struct error *error)
{
    struct old_windows *old = calloc(1, sizeof *old);
    if (!old)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    pthread_mutex_init(&old->lock, NULL);
    old->bytes_max = (size_t)settings->http.memory_bytes / OLD_WINDOWS_SHARE;
    if (old->bytes_max < OLD_WINDOWS_BYTES)
        old->bytes_max = OLD_WINDOWS_BYTES;
    for (size_t i = 0; i < OLD_WINDOWS_AT_ONCE; i++)
        if (!stores_open(settings, &old->readers[i].stores, error)) {
            old_windows_close(old);
            return false;
        }
    *ret_old = old;
    return true;
}

void old_windows_close(struct old_windows *old)
{
    if (!old)
        return;
    for (size_t i = 0; i < OLD_WINDOWS_AT_ONCE; i++)
        stores_close(&old->readers[i].stores);
    pthread_mutex_destroy(&old->lock);
    free(old);
}

static struct old_reader *take_reader(struct old_windows *old)
{
    struct old_reader *found = NULL;
    pthread_mutex_lock(&old->lock);
    for (size_t i = 0; i < OLD_WINDOWS_AT_ONCE && !found; i++)
        if (!old->readers[i].is_taken)
            found = &old->readers[i];
    if (found)
        found->is_taken = true;
    pthread_mutex_unlock(&old->lock);
    return found;
}

static void give_back(struct old_windows *old, struct old_reader *reader)
{
    pthread_mutex_lock(&old->lock);
    reader->is_taken = false;
    pthread_mutex_unlock(&old->lock);
}

/* --- one snapshot --- */

static void note_answer(void *context, enum follower_store store)
{
    (void)context, (void)store;
}

/* Without Redis the answer says what is missing; without PostgreSQL there is none. */
static void note_failure(void *context, enum follower_store store, const struct error *error)
{
    if (store == FOLLOWER_PUBLICATIONS)
        *(struct error *)context = *error;
}

static void note_damage(void *context, const struct slot_id *id, const struct error *damage)
{
    (void)context, (void)id, (void)damage; /* who follows all the time says so */
}

static void note_placed(void *context, const struct source *source, int64_t epoch)
{
    (void)context, (void)source, (void)epoch;
}

static void note_lack(void *context, const struct error *error)
{
    *(struct error *)context = *error;
}

/* One look of a follower that has no threads. */
static bool load(const struct follower_stores *stores, struct snapshot *snapshot, struct error *error)
{
    struct error failure = {0};
    const struct follower_listener listener = {.answered = note_answer,
                                               .failed = note_failure,
                                               .damaged = note_damage,
                                               .placed = note_placed,
                                               .lacks_memory = note_lack,
                                               .context = &failure};
    struct follower *follower;
    if (!follower_new(stores, &snapshot, 1, FOLLOWER_TIMES(0), &listener, &follower, error))
        return false;
    follower_look_at_publications(follower);
    follower_read_live(follower);
    follower_destroy(follower);
    if (!snapshot->loaded)
        *error = failure;
    return snapshot->loaded;
}

/* Rows of panes that may be part of what is asked for. */
static struct rows_range range_of(size_t view, const struct view_query *query)
{
    struct rows_range range = {view, query->from_us, query->to_us};
    struct rollup rollup;
    if (query->has_cursor && question_is_plain(&query->question) && query->cursor_start_us > range.from_us)
        range.from_us = query->cursor_start_us;
    if (question_is_plain(&query->question))
        return range;
    rollup_init(&rollup, &query->question, query->from_us, query->to_us);
    range.from_us = rollup_begins_us(&rollup);
    range.to_us =
        view_is_of_sessions(query->view) ? INT64_MAX : rollup_reach_us(&rollup); /* where one ends isn't known */
    rollup_clean_up(&rollup);
    return range;
}

static bool answer_from(const struct follower_stores *stores, struct snapshot *snapshot, size_t view,
                        const struct view_query *query, const struct answer_wishes *wishes, struct answer *answer,
                        struct problem *problem)
{
    struct error error;
    const struct rows_range range = range_of(view, query);
    snapshot->range = &range;
    if (!load(stores, snapshot, &error))
        return problem_set(problem, 503, "memory doesn't hold all windows of this range, and they can't be read: %s",
                           error.message);
    return answer_view(snapshot, view, query, wishes, answer, problem);
}

bool old_windows_answer(struct old_windows *old, const struct source *source, size_t view,
                        const struct view_query *query, const struct answer_wishes *wishes, struct answer *answer,
                        struct problem *problem)
{
    struct old_reader *reader = take_reader(old);
    if (!reader)
        return problem_set(problem, 503, "as many answers as may be are read from PostgreSQL just now");
    struct snapshot *snapshot = snapshot_new(source, old->bytes_max);
    bool done = snapshot ? answer_from(&reader->stores, snapshot, view, query, wishes, answer, problem)
                         : problem_memory(problem);
    snapshot_destroy(snapshot);
    give_back(old, reader);
    return done;
}
