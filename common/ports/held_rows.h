/* SPDX-License-Identifier: Apache-2.0
 * What a sink holds: of each row a hash of its name, and its version by a hash of its content, so that a row that is
 * the same isn't written again. 24 bytes a row, and at most 39 with the room between them. */
#ifndef TIDEMARK_PORTS_HELD_ROWS_H
#define TIDEMARK_PORTS_HELD_ROWS_H

#include "ports/row_version.h"

struct held_row {
    uint64_t name;
    uint32_t name_rest; /* of a second hash, so that no two names are one */
    uint32_t revision : 29;
    bool is_used : 1, is_gone : 1;
    bool is_seen : 1; /* by whoever walks the rows */
    uint64_t content;
};

/* All zero holds nothing. Rows that have vanished are kept where they are numbered, as a row that comes back has the
 * next revision. */
struct held_rows {
    struct held_row *places;
    size_t capacity, used; /* places; those of rows that are gone among the used ones */
    size_t count;          /* rows that are there */
    uint64_t checksum;     /* a sum over these, whatever their order */
};

void held_rows_clean_up(struct held_rows *held); /* holds nothing, and is usable again */
size_t held_rows_memory(const struct held_rows *held);

/* The row of this name; NULL where there is none, and none is remembered. Valid until a row is set. */
struct held_row *held_rows_find(const struct held_rows *held, struct text name);
/* Holds this version of the row from now on, not seen yet; NULL where memory is short. */
struct held_row *held_rows_set(struct held_rows *held, struct text name, struct row_version version);
/* No row is seen. */
void held_rows_unsee(struct held_rows *held);

/* What a row adds to a checksum. */
uint64_t held_row_checksum(struct text name, uint64_t content);

#endif
