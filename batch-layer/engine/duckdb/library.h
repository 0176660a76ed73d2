/* SPDX-License-Identifier: Apache-2.0
 * DuckDB's C API, taken from libduckdb.so when a job needs it: the batch layer is built without it and runs without it.
 *
 * Only what is used here, as it has been since the API is stable. */
#ifndef TIDEMARK_BATCH_DUCKDB_LIBRARY_H
#define TIDEMARK_BATCH_DUCKDB_LIBRARY_H

#include <stdint.h>

#include "base/error.h"

struct duckdb_result {
    uint64_t deprecated_counts[3];
    void *deprecated_columns;
    char *deprecated_message;
    void *internal;
};

/* A text in a vector: short ones lie in place. */
union duckdb_text {
    struct {
        uint32_t length;
        char prefix[4];
        const char *data;
    } long_one;
    struct {
        uint32_t length;
        char data[12];
    } short_one;
};
#define DUCKDB_SHORT_TEXT_MAX 12

/* 0 is success. Handles are opaque. */
struct duckdb_library {
    int (*open_ext)(const char *path, void **ret_database, void *config, char **ret_message);
    void (*close)(void **database);
    int (*connect)(void *database, void **ret_connection);
    void (*disconnect)(void **connection);
    void (*free)(void *memory);
    int (*create_config)(void **ret_config);
    int (*set_config)(void *config, const char *name, const char *value);
    void (*destroy_config)(void **config);
    void (*interrupt)(void *connection); /* what it runs ends with an error; any thread */
    int (*query)(void *connection, const char *sql, struct duckdb_result *ret_result);
    void (*destroy_result)(struct duckdb_result *result);
    const char *(*result_error)(struct duckdb_result *result);
    uint64_t (*column_count)(struct duckdb_result *result);
    void *(*fetch_chunk)(struct duckdb_result result); /* NULL: no more */
    void (*destroy_data_chunk)(void **chunk);
    uint64_t (*data_chunk_get_size)(void *chunk);
    void *(*data_chunk_get_vector)(void *chunk, uint64_t column);
    void *(*vector_get_data)(void *vector);
    uint64_t *(*vector_get_validity)(void *vector); /* a bit a row, 0 is null; NULL: none is */
    int (*appender_create)(void *connection, const char *schema, const char *table, void **ret_appender);
    const char *(*appender_error)(void *appender);
    int (*append_int64)(void *appender, int64_t number);
    int (*append_varchar_length)(void *appender, const char *text, uint64_t length);
    int (*append_null)(void *appender);
    int (*appender_end_row)(void *appender);
    int (*appender_close)(void *appender);
    int (*appender_destroy)(void **appender);
};

/* Loads it, once in a process: from `configured`, else from the first of these places where it is:
 * ../lib/tidemark beside the program's folder, /usr/local/lib/tidemark, ~/.local/lib/tidemark. ERROR_CONFIGURATION
 * where `configured` isn't it, ERROR_UNAVAILABLE where there is none, with what to install. It stays loaded. */
bool duckdb_library_load(const char *configured, const struct duckdb_library **ret_library,
                         struct error *error) MUST_CHECK;

#endif
