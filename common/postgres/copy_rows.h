/* SPDX-License-Identifier: Apache-2.0
 * The rows of a query as COPY sends them in binary format: one behind the other, in bounded memory, and with less work
 * for both sides than rows of a cursor are. */
#ifndef TIDEMARK_POSTGRES_COPY_ROWS_H
#define TIDEMARK_POSTGRES_COPY_ROWS_H

#include "postgres/connection.h"

struct copy_rows {
    PGconn *connection;
    size_t columns;
    char *piece;    /* that the row lies in; libpq's */
    bool is_behind; /* the head of all rows */
    bool is_over;   /* all rows were taken */
};

/* Runs a query of so many columns. Until all rows are taken the connection is for nothing else. */
bool copy_rows_begin(struct copy_rows *rows, PGconn *connection, const struct buffer *query, size_t columns,
                     struct error *error) MUST_CHECK;
/* The next row, valid until the one that follows; a value without data is null. False in *ret_any behind the last. */
bool copy_rows_next(struct copy_rows *rows, struct text values[], bool *ret_any, struct error *error) MUST_CHECK;
void copy_rows_clean_up(struct copy_rows *rows); /* also where rows are left: then roll back */

/* A value of int, bigint or numeric; false where it isn't one. Of a numeric in units of its digit number `scale`
 * behind the point; false also where it has more digits or is too large. */
bool copy_row_integer(struct text value, int64_t *ret_number);
bool copy_row_decimal(struct text value, unsigned scale, int64_t *ret_number);

#endif
