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

enum duckdb_type {
    DUCKDB_TYPE_INTEGER = 4,
    DUCKDB_TYPE_BIGINT = 5,
    DUCKDB_TYPE_VARCHAR = 17,
    DUCKDB_TYPE_TIMESTAMP_TZ = 31
};

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
    void *(*create_logical_type)(int type); /* enum duckdb_type */
    void *(*create_decimal_type)(uint8_t digits, uint8_t scale);
    void (*destroy_logical_type)(void **type);
    void *(*create_table_function)(void);
    void (*destroy_table_function)(void **function);
    void (*table_function_set_name)(void *function, const char *name);
    void (*table_function_set_extra_info)(void *function, void *info, void (*destroy)(void *info));
    void (*table_function_set_bind)(void *function, void (*callback)(void *bind));
    void (*table_function_set_init)(void *function, void (*callback)(void *init));
    void (*table_function_set_function)(void *function, void (*callback)(void *info, void *chunk));
    int (*register_table_function)(void *connection, void *function);
    void *(*bind_get_extra_info)(void *bind);
    void (*bind_add_result_column)(void *bind, const char *name, void *type);
    void (*bind_set_cardinality)(void *bind, uint64_t rows, bool is_exact);
    void (*init_set_max_threads)(void *init, uint64_t threads);
    void *(*function_get_extra_info)(void *info);
    void (*function_set_error)(void *info, const char *message);
    void (*data_chunk_set_size)(void *chunk, uint64_t size);
    void (*vector_ensure_validity_writable)(void *vector);
    void (*vector_assign_string_element_len)(void *vector, uint64_t row, const char *text, uint64_t length);
};

/* Loads it, once in a process: from `configured`, else from the first of these places where it is:
 * ../lib/tidemark beside the program's folder, /usr/local/lib/tidemark, ~/.local/lib/tidemark. ERROR_CONFIGURATION
 * where `configured` isn't it, ERROR_UNAVAILABLE where there is none, with what to install. It stays loaded. */
bool duckdb_library_load(const char *configured, const struct duckdb_library **ret_library,
                         struct error *error) MUST_CHECK;
/* The one that is loaded. */
const struct duckdb_library *duckdb_library_loaded(void);

#endif
