/* SPDX-License-Identifier: Apache-2.0
 * What a sink holds: of each row a hash of its name and one of its content, by which a row that is the same isn't
 * written again. 24 bytes a row, and at most 64 with the room between them. */
#ifndef TIDEMARK_EMIT_HELD_ROWS_H
#define TIDEMARK_EMIT_HELD_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct held_row {
    uint64_t name;
    uint32_t name_rest; /* of a second hash, so that no two names are one */
    bool is_used, is_gone, is_same;
    uint64_t content;
};

struct held_rows { /* all zero holds nothing */
    struct held_row *places;
    size_t capacity, used; /* places; those of rows that are gone among the used ones */
    size_t count;
    uint64_t checksum; /* a sum over the rows, whatever their order */
};

void held_rows_clean_up(struct held_rows *held); /* holds nothing, and is usable again */

/* The row of this name; NULL where there is none. Valid until a row is set. */
struct held_row *held_rows_find(const struct held_rows *held, struct text name);
/* Holds this content of the row from now on; NULL where memory is short. */
struct held_row *held_rows_set(struct held_rows *held, struct text name, uint64_t content);
/* The row, which is held, is gone. */
void held_rows_remove(struct held_rows *held, struct text name);

/* What a row adds to a checksum. */
uint64_t held_row_checksum(struct text name, uint64_t content);

#endif
