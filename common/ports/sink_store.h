/* SPDX-License-Identifier: Apache-2.0
 * A place that holds a copy of a view: a topic, a table, a hash. It is written in micro-batches, each with a statement
 * of what the copy is of then, in one step that happens as a whole or not at all.
 *
 * Rows and statements are texts to it: a row has a name, which is the same for every version of the row, and a content.
 * One thread uses a store. After any error it is opened again. */
#ifndef TIDEMARK_PORTS_SINK_STORE_H
#define TIDEMARK_PORTS_SINK_STORE_H

#include "base/buffer.h"
#include "base/error.h"
#include "ports/held_rows.h"

enum row_form {
    ROW_JSON,    /* the API's JSON row, named by its window's start and its dimensions, in JSON too */
    ROW_COLUMNS, /* the columns of the API's CSV as a line of PostgreSQL's COPY, without its end, times in microseconds
                    since 1970; the name has the first and the dimensions */
    ROW_LOCAL_COLUMNS /* the same with times as the API has them */
};

struct sink_row {
    struct text name;
    struct text content; /* data NULL: the row has vanished; JSON says so where rows are numbered */
    struct row_version version;
};

struct micro_batch {
    int64_t number;
    struct text before; /* the statement that the store has now; empty: none */
    struct text statement;
    const struct sink_row *rows;
    size_t count;
    bool restarts; /* whatever the store holds goes */
};

/* Given a row that the store holds, or one that is numbered and has vanished; false where memory is short. */
typedef bool held_row_take(void *context, struct text name, struct row_version version);

struct sink_store {
    const struct sink_store_operations *operations;
    enum row_form form;
    bool needs_rows; /* a statement is written with rows only */
    bool is_mended;  /* what others changed in it is made right; else it is refused */
};

struct sink_store_operations {
    /* Makes the place where it isn't there, shuts out whoever wrote it before, and appends the statement that it has;
     * nothing where it has none. ERROR_CONFIGURATION where the place is no place for rows of the view, unless it
     * `restarts` and was such a place once. */
    bool (*open)(struct sink_store *store, bool restarts, struct buffer *ret_statement, struct error *error);
    /* Has `rows`, which hold nothing, hold what it holds; NULL: it lists that as soon. */
    bool (*load)(struct sink_store *store, struct held_rows *rows, struct error *error);
    /* Gives each row that it holds once. */
    bool (*list)(struct sink_store *store, held_row_take *take, void *context, struct error *error);
    /* Whether it still has this statement. */
    bool (*has)(struct sink_store *store, struct text statement, bool *ret_has, struct error *error);
    /* ERROR_TRY_AGAIN where it has another statement than `before` by now, or another process has opened it. */
    bool (*write)(struct sink_store *store, const struct micro_batch *batch, struct error *error);
    void (*destroy)(struct sink_store *store);
};

#endif
