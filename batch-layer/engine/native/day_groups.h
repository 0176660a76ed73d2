/* SPDX-License-Identifier: Apache-2.0
 * The rows of a summary while they are added up, by one thread: the cells of the view. The values that `unique` tells
 * apart go to a store of rows, and come back each once. */
#ifndef TIDEMARK_BATCH_DAY_GROUPS_H
#define TIDEMARK_BATCH_DAY_GROUPS_H

#include "config/settings.h"
#include "engine/native/row_store.h"

struct day_groups {
    const struct source *source;
    const struct view *view;
    int64_t at_us; /* a moment of the business day: the folder says it, and not the event times */
    int64_t window_us;
    struct panes cells;
    size_t uniques[MEASURES_MAX]; /* hidden views, by their number in the source, whose members are told apart */
    size_t unique_count;
    bool is_extreme[MEASURES_MAX]; /* measures that are `min` or `max` of a field of which no `unique` is wanted: no
                                      value is taken back, so that the cell is enough */
    bool has_extremes;
    struct part_writer *members; /* where the values go */
    struct buffer group;         /* scratch */
    int64_t other_days;
};

/* Whether the view has values to be told apart. */
bool day_groups_need_members(const struct view *view);

void day_groups_init(struct day_groups *groups, const struct summary *summary, int64_t at_us,
                     struct part_writer *members);
void day_groups_clean_up(struct day_groups *groups);

/* Adds a version that counts. */
bool day_groups_add(struct day_groups *groups, const struct value values[], bool is_of_other_day,
                    struct error *error) MUST_CHECK;
/* Whether both are the same value of the same group; and takes such a one, each once. */
bool day_groups_is_same_member(const struct stored_row *a, const struct stored_row *b);
bool day_groups_take_member(struct day_groups *groups, const struct stored_row *member, struct error *error) MUST_CHECK;
/* Adds all of another thread's. */
bool day_groups_add_all(struct day_groups *into, const struct day_groups *from, struct error *error) MUST_CHECK;

int64_t day_groups_memory(const struct day_groups *groups); /* bytes held, about */

#endif
