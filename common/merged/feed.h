/* SPDX-License-Identifier: Apache-2.0
 * Which rows of a snapshot have changed, for whoever keeps a copy of a view: a stream to a browser, a sink.
 *
 * Each change of a snapshot makes a new state, and states have numbers. A reader knows the number of the state that its
 * copy is of, and asks which rows may have changed since. It then takes these rows from the snapshot, and offsets,
 * epoch and completeness from there too, all under one read lock: that is the state that its copy is of now. What is
 * named may be the same as before, or not be there any more; what isn't named is the same. Only rows that are given up
 * because memory is full go without being named: those of windows below view_rows.floor_us that aren't expired.
 *
 * What is remembered has a ceiling of bytes a view, and nothing is remembered of a view without readers. A reader whose
 * state is no longer remembered is told to begin anew; nobody waits for it. A state's number means nothing to another
 * process. */
#ifndef TIDEMARK_MERGED_FEED_H
#define TIDEMARK_MERGED_FEED_H

#include <pthread.h>
#include <stdatomic.h>

#include "view/view.h"

/* The changes of one state, or of several; texts point into what is remembered. */
struct change {
    int64_t window_start_us;
    struct text group;
};

struct view_feed {
    _Atomic size_t readers;
    struct state_changes {
        uint64_t state;
        struct buffer entries; /* of each change the window, the group's length, the group */
    } * states;                /* ascending */
    size_t count, capacity;
    size_t bytes;    /* of all states */
    uint64_t oldest; /* what has changed since this state is remembered, or since a later one */
    bool is_lost;    /* the state that is being written can't be remembered */
};

struct feed {
    const struct source *source;
    struct view_feed *views; /* one a view of the source */
    size_t bytes_max;        /* of a view */
    pthread_mutex_t lock;    /* of `state`, for those who wait */
    pthread_cond_t changed;
    uint64_t state; /* the latest; 0 before the first */
};

bool feed_init(struct feed *feed, const struct source *source, size_t bytes_max) MUST_CHECK; /* false: no memory */
void feed_clean_up(struct feed *feed);

/* --- for the writer, with the snapshot's write lock held --- */

/* Begins a new state. */
void feed_begin(struct feed *feed);
/* Whether this state's changes of the view are remembered: else they needn't be noted. */
bool feed_takes_notes(const struct feed *feed, size_t view);
void feed_note_row(struct feed *feed, size_t view, int64_t window_start_us, struct text group);
void feed_note_all(struct feed *feed, size_t view); /* every reader begins anew */
/* Ends it, and wakes those who wait. */
void feed_end(struct feed *feed);

/* --- for readers --- */

struct feed_reader {
    struct feed *feed;
    size_t view;
    uint64_t state; /* what the copy is of; 0: there is none */
};

struct changes {
    bool is_reset;          /* anything may have changed; the list is empty */
    struct change *changes; /* by window and group, each once; owned, the texts are valid while the lock is held */
    size_t count;
};
void changes_clean_up(struct changes *changes);

/* With the snapshot's read lock held. A reader that has a copy of an earlier state of this process goes on from there,
 * see feed_read; 0 is none. The snapshot must outlive it. */
void feed_reader_open(struct feed_reader *reader, struct feed *feed, size_t view, uint64_t state);
void feed_reader_close(struct feed_reader *reader);

/* Without any lock: the latest state. */
uint64_t feed_state(struct feed *feed);

/* With the snapshot's read lock held: what may have changed since the reader's state, which is the latest afterwards.
 * False where memory is short: then nothing was read. */
bool feed_read(struct feed_reader *reader, struct changes *ret_changes) MUST_CHECK;

/* Without any lock: waits until there is a later state than the reader's, or until `until_us` (monotonic): then false.
 */
bool feed_wait(struct feed_reader *reader, int64_t until_us);

#endif
