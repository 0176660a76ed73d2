/* SPDX-License-Identifier: Apache-2.0
 * A folder of a lake as it is read: its files in the order of a log, and the manifest by which a change shows. */
#ifndef TIDEMARK_BATCH_LAKE_FILES_H
#define TIDEMARK_BATCH_LAKE_FILES_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define LAKE_MANIFEST "_tidemark.json"

enum lake_format { LAKE_PARQUET, LAKE_NDJSON, LAKE_CSV, LAKE_TABLE /* of PostgreSQL, in the place of a file */ };

struct lake_file {
    const char *path; /* with that of the folder before it */
    enum lake_format format;
    int64_t bytes;
};

struct lake_folder {
    const char *path; /* without a slash at its end */
    const struct lake_file *files;
    size_t count;
    const char *manifest; /* what its manifest says; "" where there is none */
};

/* `pattern` with `date` for {date}, and without slashes at its end; NULL where memory is short. */
const char *lake_path(const char *pattern, const char *date, struct arena *arena);

/* The files in the folder that lake_path gives and in those below it with a known ending, in the bytewise order of
 * their names; what begins with '_' or '.' is passed over. ERROR_DATA where there is no such folder; but with
 * `may_be_missing` it is empty where the pattern names a date and the folder in front of that is there. All is the
 * arena's. */
bool lake_day_read(const char *pattern, const char *date, bool may_be_missing, struct arena *arena,
                   struct lake_folder *ret_folder, struct error *error) MUST_CHECK;

/* Whether all its files are Parquet or none is, and whether there are any; ERROR_DATA says what isn't so. */
bool lake_folder_check(const struct lake_folder *folder, bool allow_empty, struct error *error) MUST_CHECK;

/* A table "schema.table" as if it were a folder with one file. */
bool lake_table(const char *table, struct arena *arena, struct lake_folder *ret_folder, struct error *error) MUST_CHECK;

/* Whether the folder's manifest is still what it was. */
bool lake_folder_is_same(const struct lake_folder *folder);

#endif
