/* SPDX-License-Identifier: Apache-2.0
 * The columns of a Parquet file, by name, as DuckDB reads them. */
#ifndef TIDEMARK_BATCH_FILE_COLUMNS_H
#define TIDEMARK_BATCH_FILE_COLUMNS_H

#include "base/arena.h"
#include "engine/duckdb/session.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_INTEGER,
    COLUMN_DECIMAL,
    COLUMN_DOUBLE,
    COLUMN_DATE,
    COLUMN_TIME, /* a moment, with or without a zone */
    COLUMN_BOOLEAN,
    COLUMN_OTHER
};

struct file_column {
    const char *name;
    enum column_kind kind;
    unsigned scale;   /* of a decimal */
    const char *type; /* as DuckDB says it */
    /* What the file's statistics prove of all its rows; where they don't, that may be so all the same. */
    bool has_no_null;
    bool has_range; /* of whole numbers, decimals and times: from least to most, whole, or in microseconds */
    int64_t least, most;
};

struct file_columns {
    const struct file_column *list;
    size_t count;
};

/* ERROR_DATA, with the path, where it isn't a whole Parquet file. All is the arena's. */
bool file_columns_read(struct duckdb_session *session, const char *path, struct arena *arena,
                       struct file_columns *ret_columns, struct error *error) MUST_CHECK;

/* The column of this name, in upper and lower case as given; NULL: none. */
const struct file_column *file_columns_find(const struct file_columns *columns, const char *name);

/* The path as DuckDB's functions take it, quoted: what would be a pattern in it is taken as it stands. */
void duckdb_append_path(struct buffer *sql, const char *path);

#endif
