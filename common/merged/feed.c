/* SPDX-License-Identifier: Apache-2.0 */
#include "merged/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lower_bound.h"

bool feed_init(struct feed *feed, const struct source *source, size_t bytes_max)
{
    pthread_condattr_t monotonic;
    *feed = (struct feed){.source = source, .bytes_max = bytes_max};
    feed->views = calloc(source->view_count + 1, sizeof *feed->views);
    pthread_mutex_init(&feed->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return feed->views != NULL;
}

static size_t bytes_of(const struct state_changes *state)
{
    return sizeof *state + state->entries.capacity;
}

/* Forgets the states up to this number of them. */
static void forget(struct view_feed *view, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        view->oldest = view->states[i].state;
        view->bytes -= bytes_of(&view->states[i]);
        buffer_clean_up(&view->states[i].entries);
    }
    view->count -= count;
    if (count)
        memmove(view->states, &view->states[count], view->count * sizeof *view->states);
}

void feed_clean_up(struct feed *feed)
{
    for (size_t i = 0; feed->views && i < feed->source->view_count; i++) {
        forget(&feed->views[i], feed->views[i].count);
        free(feed->views[i].states);
    }
    free(feed->views);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    *feed = (struct feed){0};
}

/* --- the writer --- */

void feed_begin(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->state++;
    pthread_mutex_unlock(&feed->lock);
    for (size_t i = 0; i < feed->source->view_count; i++)
        feed->views[i].is_lost = atomic_load(&feed->views[i].readers) == 0;
}

/* The last reader can close meanwhile: the state is remembered all the same. */
bool feed_takes_notes(const struct feed *feed, size_t view)
{
    return !feed->views[view].is_lost;
}

/* Where the changes of the state that is being written go; NULL where they are lost anyway. */
static struct buffer *entries_of(struct feed *feed, size_t number)
{
    struct view_feed *view = &feed->views[number];
    if (view->is_lost)
        return NULL;
    if (view->count && view->states[view->count - 1].state == feed->state)
        return &view->states[view->count - 1].entries;
    if (view->count == view->capacity) {
        size_t capacity = view->capacity ? 2 * view->capacity : 64;
        struct state_changes *states = realloc(view->states, capacity * sizeof *states);
        if (!states) {
            view->is_lost = true;
            return NULL;
        }
        view->states = states;
        view->capacity = capacity;
    }
    view->states[view->count] = (struct state_changes){.state = feed->state};
    return &view->states[view->count++].entries;
}

void feed_note_row(struct feed *feed, size_t number, int64_t window_start_us, struct text group)
{
    struct view_feed *view = &feed->views[number];
    struct buffer *entries = entries_of(feed, number);
    if (!entries)
        return;
    buffer_append(entries, &window_start_us, sizeof window_start_us);
    buffer_append(entries, &group.length, sizeof group.length);
    buffer_append_text(entries, group);
    view->is_lost = view->is_lost || entries->failed || entries->length > feed->bytes_max;
}

void feed_note_all(struct feed *feed, size_t view)
{
    feed->views[view].is_lost = true;
}

/* What is above the ceiling goes, the oldest first, and with it an eighth of the rest: what stays is moved. */
static void keep_ceiling(struct view_feed *view, size_t bytes_max)
{
    size_t count = 0, bytes = view->bytes;
    if (bytes <= bytes_max)
        return;
    for (; bytes > bytes_max - bytes_max / 8; count++)
        bytes -= bytes_of(&view->states[count]);
    forget(view, count);
}

/* The state that was written, if anything changed in it. */
static void count_newest(struct view_feed *view, uint64_t state)
{
    if (view->count && view->states[view->count - 1].state == state)
        view->bytes += bytes_of(&view->states[view->count - 1]);
}

void feed_end(struct feed *feed)
{
    for (size_t i = 0; i < feed->source->view_count; i++) {
        struct view_feed *view = &feed->views[i];
        count_newest(view, feed->state);
        if (view->is_lost) {
            forget(view, view->count);
            view->oldest = feed->state;
        }
        keep_ceiling(view, feed->bytes_max);
    }
    pthread_mutex_lock(&feed->lock);
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

/* --- readers --- */

void changes_clean_up(struct changes *changes)
{
    free(changes->changes);
    *changes = (struct changes){0};
}

void feed_reader_open(struct feed_reader *reader, struct feed *feed, size_t view, uint64_t state)
{
    *reader = (struct feed_reader){feed, view, state};
    atomic_fetch_add(&feed->views[view].readers, 1);
}

void feed_reader_close(struct feed_reader *reader)
{
    if (reader->feed)
        atomic_fetch_sub(&reader->feed->views[reader->view].readers, 1);
    *reader = (struct feed_reader){0};
}

/* Takes one entry off the front. */
static struct change next_change(struct text *entries)
{
    struct change change = {0};
    size_t length, size = sizeof change.window_start_us + sizeof length;
    memcpy(&change.window_start_us, entries->data, sizeof change.window_start_us);
    memcpy(&length, entries->data + sizeof change.window_start_us, sizeof length);
    change.group = (struct text){entries->data + size, length};
    size += length;
    *entries = (struct text){entries->data + size, entries->length - size};
    return change;
}

static int compare_changes(const void *left, const void *right, void *view)
{
    const struct change *a = left, *b = right;
    if (a->window_start_us != b->window_start_us)
        return a->window_start_us < b->window_start_us ? -1 : 1;
    return group_compare(view, a->group, b->group);
}

/* Leaves each once. */
static void drop_repeated(struct changes *changes)
{
    size_t kept = 0;
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i], *last = kept ? &changes->changes[kept - 1] : NULL;
        if (!last || last->window_start_us != change->window_start_us || !text_equal(last->group, change->group))
            changes->changes[kept++] = *change;
    }
    changes->count = kept;
}

struct state_wanted {
    const struct view_feed *view;
    uint64_t state;
};

static bool is_known(const void *context, size_t number)
{
    const struct state_wanted *wanted = context;
    return wanted->view->states[number].state <= wanted->state;
}

static bool collect(const struct feed_reader *reader, struct changes *ret_changes)
{
    const struct view_feed *view = &reader->feed->views[reader->view];
    const size_t first = lower_bound(view->count, is_known, &(struct state_wanted){view, reader->state});
    struct changes changes = {0};
    size_t most = 0;
    for (size_t i = first; i < view->count; i++)
        most += view->states[i].entries.length / (sizeof(int64_t) + sizeof(size_t));
    changes.changes = malloc((most + 1) * sizeof *changes.changes);
    if (!changes.changes)
        return false;
    for (size_t i = first; i < view->count; i++)
        for (struct text entries = buffer_text(&view->states[i].entries); entries.length > 0;)
            changes.changes[changes.count++] = next_change(&entries);
    qsort_r(changes.changes, changes.count, sizeof *changes.changes, compare_changes,
            (void *)(uintptr_t)&reader->feed->source->views[reader->view]);
    drop_repeated(&changes);
    *ret_changes = changes;
    return true;
}

bool feed_read(struct feed_reader *reader, struct changes *ret_changes)
{
    const struct feed *feed = reader->feed;
    bool is_reset =
        reader->state == 0 || reader->state < feed->views[reader->view].oldest || reader->state > feed->state;
    if (is_reset)
        *ret_changes = (struct changes){.is_reset = true};
    else if (!collect(reader, ret_changes))
        return false;
    reader->state = feed->state;
    return true;
}

uint64_t feed_state(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    uint64_t state = feed->state;
    pthread_mutex_unlock(&feed->lock);
    return state;
}

bool feed_wait(struct feed_reader *reader, int64_t until_us)
{
    struct feed *feed = reader->feed;
    const struct timespec until = {.tv_sec = until_us / US_PER_SECOND, .tv_nsec = until_us % US_PER_SECOND * 1000};
    pthread_mutex_lock(&feed->lock);
    while (feed->state <= reader->state && clock_monotonic_us() < until_us)
        pthread_cond_timedwait(&feed->changed, &feed->lock, &until);
    bool is_later = feed->state > reader->state;
    pthread_mutex_unlock(&feed->lock);
    return is_later;
}
