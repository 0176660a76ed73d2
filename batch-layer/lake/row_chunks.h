/* SPDX-License-Identifier: Apache-2.0
 * The rows of NDJSON and CSV files in pieces of about a megabyte, each of whole rows, in the order of the log: so that
 * many threads decode them side by side, and memory doesn't grow with the files. */
#ifndef TIDEMARK_BATCH_ROW_CHUNKS_H
#define TIDEMARK_BATCH_ROW_CHUNKS_H

#include "base/buffer.h"
#include "lake/lake_files.h"

struct row_chunk {
    size_t number;       /* among all of the folder, from 0 */
    size_t file;         /* among those of the folder */
    struct buffer bytes; /* whole rows; of CSV behind the file's header line. Its memory is used again */
};

/* A folder that is being read, by one thread at a time. */
struct row_chunks;

/* The folder must outlive it. NULL where memory is short. */
struct row_chunks *row_chunks_open(const struct lake_folder *folder);
void row_chunks_close(struct row_chunks *chunks);

/* Fills the chunk with the next rows; *ret_end where there are none. ERROR_DATA where a file can't be opened or is CSV
 * without a header line, ERROR_UNAVAILABLE where it can't be read. */
bool row_chunks_next(struct row_chunks *chunks, struct row_chunk *chunk, bool *ret_end, struct error *error) MUST_CHECK;

#endif
