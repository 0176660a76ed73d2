/* SPDX-License-Identifier: Apache-2.0
 * Where a detector's alerts go, and where it stands: both change together.
 *
 * Positions are those of the detector's consumer group, for the partitions of its source's topic. Only a member of the
 * group in its present generation can change them; one that has lost its partitions, however late it wakes up, can't.
 */
#ifndef TIDEMARK_PORTS_ALERT_STORE_H
#define TIDEMARK_PORTS_ALERT_STORE_H

#include "base/error.h"
#include "detect/detector_position.h"

struct alert_record {
    struct text key; /* data NULL: none */
    struct text json;
};

struct partition_position {
    int32_t partition;
    struct detector_position position;
};

struct alert_store {
    const struct alert_store_operations *operations;
};

/* One thread at a time per store object. All wait for some seconds at most. ERROR_UNAVAILABLE and ERROR_PERMISSION as
 * everywhere; ERROR_TRY_AGAIN: somebody else has changed the positions, or has the partitions now; ERROR_CONFIGURATION:
 * an operator must act before anything can be written. */
struct alert_store_operations {
    /* The group gave this member its partitions: what is committed from now on is committed as such. */
    void (*joined)(struct alert_store *store);

    /* The positions of partitions 0 to count - 1; the offset is -1 where there is none. What is about to be committed
     * is waited for. */
    bool (*positions)(struct alert_store *store, struct detector_position ret_positions[], size_t count,
                      struct error *error);

    /* Sets positions where the group has none at all; ERROR_TRY_AGAIN where it has some. With `reset` also where it has
     * some, but no members. */
    bool (*begin)(struct alert_store *store, const struct partition_position positions[], size_t count, bool reset,
                  struct error *error);

    /* Whether the alert topic holds an alert of this detector. */
    bool (*has_alerts)(struct alert_store *store, bool *ret_has, struct error *error);

    /* Adds the alerts and changes the positions. After a failure it isn't known whether they were; the positions tell.
     */
    bool (*commit)(struct alert_store *store, const struct alert_record alerts[], size_t alert_count,
                   const struct partition_position positions[], size_t position_count, struct error *error);

    void (*destroy)(struct alert_store *store);
};

#endif
