/* SPDX-License-Identifier: Apache-2.0
 * A connection to PostgreSQL that notices a dead peer, and libpq's results turned into errors that say what to do.
 *
 * Errors are ERROR_UNAVAILABLE where the server is away or can't work, ERROR_TRY_AGAIN where somebody was in the way (a
 * lock held too long, by whom the message says, or a deadlock) or a shutdown is asked for, ERROR_PERMISSION where a
 * password or a right is refused, ERROR_CONFIGURATION where the database or the schema isn't what the program needs.
 * After any error of a transaction the caller rolls back; after ERROR_UNAVAILABLE it closes the connection. Messages
 * name host and database and never hold a secret. How long is waited for an answer: see server_wait.h. */
#ifndef TIDEMARK_POSTGRES_CONNECTION_H
#define TIDEMARK_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

struct connection_settings {
    const char *url;         /* any libpq connection string; what it sets itself is respected */
    const char *password;    /* may be NULL */
    const char *application; /* shown in pg_stat_activity */
    int64_t statement_timeout_ms;
    int64_t lock_timeout_ms;
};

/* Connects within 5 seconds (or the string's connect_timeout). UTF-8, UTC, and a search path of pg_catalog alone. */
bool connection_open(const struct connection_settings *settings, PGconn **ret_connection,
                     struct error *error) MUST_CHECK;

/* Runs statements without parameters, whose rows nobody wants. */
bool connection_execute(PGconn *connection, const char *sql, struct error *error) MUST_CHECK;

/* Runs one statement with `count` parameters in text form, NULL for null. The result is the caller's to PQclear. */
bool connection_query(PGconn *connection, const char *sql, size_t count, const char *const values[],
                      PGresult **ret_result, struct error *error) MUST_CHECK;

/* The same of a statement of a user's, with parameters of these types (OIDs of pg_type); an error in it is
 * ERROR_CONFIGURATION and says at which line and column of `sql` it is, and one of a value ERROR_DATA. */
bool connection_query_typed(PGconn *connection, const char *sql, size_t count, const Oid types[],
                            const char *const values[], PGresult **ret_result, struct error *error) MUST_CHECK;

/* Runs a query by a cursor in the transaction that is open, and gives its rows to `take` in pieces of at most
 * `at_once`, so that any number of them passes through bounded memory. `take` may use the connection; one piece is
 * empty. */
typedef bool rows_take(void *context, const PGresult *rows, struct error *error);
bool connection_fetch(PGconn *connection, const struct buffer *sql, int at_once, rows_take *take, void *context,
                      struct error *error) MUST_CHECK;

/* COPY … FROM STDIN: begin, put data as often as wanted, end. After a failure the COPY is over. */
bool connection_copy_begin(PGconn *connection, const char *sql, struct error *error) MUST_CHECK;
bool connection_copy_put(PGconn *connection, struct text data, struct error *error) MUST_CHECK;
bool connection_copy_end(PGconn *connection, struct error *error) MUST_CHECK;

/* COPY … TO STDOUT: begin, then take pieces, each a row, until one has no data: all was sent. A piece is the caller's
 * to PQfreemem. Whoever leaves before rolls back, and the connection is lost. */
bool connection_copy_take(PGconn *connection, struct text *ret_piece, struct error *error) MUST_CHECK;

/* Ends a transaction that failed; what goes wrong in that is of no interest. */
void connection_roll_back(PGconn *connection);

/* Frees a result when its variable goes out of scope. */
#define RESULT __attribute__((cleanup(result_clean_up))) PGresult
void result_clean_up(PGresult **result);

/* A cell as a number; 0 for null. */
int64_t result_integer(const PGresult *result, int row, int column);
struct text result_text(const PGresult *result, int row, int column);

/* `name` as a quoted identifier. */
void buffer_append_identifier(struct buffer *buffer, const char *name);
/* `text` as a literal; PostgreSQL's standard_conforming_strings is on. */
void buffer_append_literal(struct buffer *buffer, struct text text);
/* One value of a line of COPY, with the characters escaped that mean something there. */
void buffer_append_copy_text(struct buffer *buffer, struct text text);

#endif
