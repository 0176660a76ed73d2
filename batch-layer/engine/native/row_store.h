/* SPDX-License-Identifier: Apache-2.0
 * Rows put apart by a key, so that those of one key lie in one part, and a part fits into memory: versions of orders,
 * and values to be told apart.
 *
 * Many threads add, each by a writer of its own; afterwards each part is taken by one of them. What doesn't fit into
 * the memory that is allowed lies in a file without a name, until it is taken. */
#ifndef TIDEMARK_BATCH_ROW_STORE_H
#define TIDEMARK_BATCH_ROW_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ROW_PARTS 256

/* A row as it lies in a block, on a multiple of 8 bytes: this, and what whoever adds it puts behind. */
struct stored_row {
    uint64_t hash;      /* of the key: its highest 8 bits say the part */
    uint32_t bytes;     /* of all of it */
    uint32_t key_bytes; /* the writer's */
    char data[];
};

struct row_store;

/* `memory_bytes`: what all that is added may hold. `folder`: where the file goes, which is made where it isn't there.
 * NULL where memory is short. */
struct row_store *row_store_new(const char *folder, int64_t memory_bytes);
void row_store_destroy(struct row_store *store);

struct part_writer;
struct part_writer *part_writer_new(struct row_store *store); /* NULL where memory is short */
/* Where a row of so many bytes goes, which the caller fills at once; `bytes` are rounded up. NULL: an error. */
struct stored_row *part_writer_add(struct part_writer *writer, uint64_t hash, size_t bytes,
                                   struct error *error) MUST_CHECK;
/* All is added: it can be taken. */
bool part_writer_end(struct part_writer *writer, struct error *error) MUST_CHECK;
void part_writer_destroy(struct part_writer *writer); /* NULL is nothing */

/* After all have ended: bytes and number of rows of a part, and of those bytes how many lie in the file. */
struct part_size {
    int64_t bytes, spilled_bytes, rows;
};
int64_t row_store_spilled(const struct row_store *store); /* of all parts */
struct part_size row_store_part(const struct row_store *store, size_t part);

/* Visits each row of a part, which stays until row_store_drop; reads from the file what lies there. */
typedef bool stored_row_visitor(void *context, const struct stored_row *row);
bool row_store_take(struct row_store *store, size_t part, stored_row_visitor *visit, void *context,
                    struct error *error) MUST_CHECK;
void row_store_drop(struct row_store *store, size_t part);

#endif
