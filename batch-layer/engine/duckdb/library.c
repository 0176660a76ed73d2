/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "/libduckdb.so"

#define ROW(name)                                                                                                      \
    {                                                                                                                  \
        "duckdb_" #name, offsetof(struct duckdb_library, name)                                                         \
    }

static const struct {
    const char *symbol;
    size_t offset;
} symbols[] = {
    ROW(open_ext),
    ROW(close),
    ROW(connect),
    ROW(disconnect),
    ROW(free),
    ROW(create_config),
    ROW(set_config),
    ROW(destroy_config),
    ROW(interrupt),
    ROW(query),
    ROW(destroy_result),
    ROW(result_error),
    ROW(column_count),
    ROW(fetch_chunk),
    ROW(destroy_data_chunk),
    ROW(data_chunk_get_size),
    ROW(data_chunk_get_vector),
    ROW(vector_get_data),
    ROW(vector_get_validity),
    ROW(appender_create),
    ROW(appender_error),
    ROW(append_int64),
    ROW(append_varchar_length),
    ROW(append_null),
    ROW(appender_end_row),
    ROW(appender_close),
    ROW(appender_destroy),
    ROW(create_logical_type),
    ROW(create_decimal_type),
    ROW(destroy_logical_type),
    ROW(create_table_function),
    ROW(destroy_table_function),
    ROW(table_function_set_name),
    ROW(table_function_set_extra_info),
    ROW(table_function_set_bind),
    ROW(table_function_set_init),
    ROW(table_function_set_function),
    ROW(register_table_function),
    ROW(bind_get_extra_info),
    ROW(bind_add_result_column),
    ROW(bind_set_cardinality),
    ROW(init_set_max_threads),
    ROW(function_get_extra_info),
    ROW(function_set_error),
    ROW(data_chunk_set_size),
    ROW(vector_ensure_validity_writable),
    ROW(vector_assign_string_element_len),
};

static struct duckdb_library library;
static bool is_loaded;

/* ../lib/tidemark beside the folder of the program: build/lib of build/bin, /usr/lib of /usr/bin. */
static bool place_beside_program(char ret_path[PATH_MAX])
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return false;
    program[length] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(program, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
    int written = snprintf(ret_path, PATH_MAX, "%s/lib/tidemark" FILE_NAME, program);
    return written > 0 && written < PATH_MAX;
}

static bool place_at_home(char ret_path[PATH_MAX])
{
    const char *home = getenv("HOME");
    int written = home ? snprintf(ret_path, PATH_MAX, "%s/.local/lib/tidemark" FILE_NAME, home) : 0;
    return written > 0 && written < PATH_MAX;
}

static bool find(char ret_path[PATH_MAX])
{
    if (place_beside_program(ret_path) && access(ret_path, F_OK) == 0)
        return true;
    strcpy(ret_path, "/usr/local/lib/tidemark" FILE_NAME);
    return access(ret_path, F_OK) == 0 || (place_at_home(ret_path) && access(ret_path, F_OK) == 0);
}

static bool load(const char *path, enum error_code code, struct error *error)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return error_set(error, code, "DuckDB's library can't be loaded: %s; deploy/install-duckdb installs it",
                         dlerror());
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *function = dlsym(handle, symbols[i].symbol);
        if (!function) {
            dlclose(handle);
            return error_set(error, code,
                             "%s is no library of DuckDB that is known here: it has no %s; "
                             "deploy/install-duckdb installs one that is",
                             path, symbols[i].symbol);
        }
        memcpy((char *)&library + symbols[i].offset, &function, sizeof function);
    }
    return is_loaded = true;
}

bool duckdb_library_load(const char *configured, const struct duckdb_library **ret_library, struct error *error)
{
    char path[PATH_MAX];
    if (!is_loaded && configured && !load(configured, ERROR_CONFIGURATION, error))
        return error_context(error, "batch.duckdb");
    if (!is_loaded && !find(path))
        return error_set(
            error, ERROR_UNAVAILABLE,
            "jobs over files need DuckDB's library, libduckdb.so, and it isn't there: deploy/install-duckdb "
            "installs it, or batch.duckdb in the configuration says where it is");
    if (!is_loaded && !load(path, ERROR_UNAVAILABLE, error))
        return false;
    *ret_library = &library;
    return true;
}

const struct duckdb_library *duckdb_library_loaded(void)
{
    return &library;
}
