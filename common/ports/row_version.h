/* SPDX-License-Identifier: Apache-2.0
 * A version of a row that a sink holds: what it says, by a hash, and which revision it is where rows are numbered. */
#ifndef TIDEMARK_PORTS_ROW_VERSION_H
#define TIDEMARK_PORTS_ROW_VERSION_H

#include <stdint.h>

#include "base/buffer.h"

#define REVISION_MAX ((1U << 29) - 1)

/* Of a row, as a sink holds it. */
struct row_version {
    uint64_t content;  /* its hash */
    uint32_t revision; /* 1 is a row's first; 0 where rows aren't numbered */
    bool is_gone;      /* the row has vanished */
};

/* The hash of a name or a content: the same in every process. */
uint64_t sink_row_hash(struct text text);

/* A row in JSON says at its end which revision it is, from the second on, and whether it has vanished: its name then
 * stands in the place of its content. */
void row_version_append(struct row_version version, struct buffer *json);
/* Reads this back; without such an end it is a first revision. Data NULL: it has vanished, and isn't numbered. */
struct row_version row_version_read(struct text json);

#endif
