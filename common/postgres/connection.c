/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "postgres/server_wait.h"

#define CONNECT_TIMEOUT_US (5 * US_PER_SECOND)
#define LOCK_NOT_AVAILABLE "55P03"

/* The first line, without the prefix that says "ERROR:" once more. */
static struct text first_line(const char *message)
{
    return (struct text){message, strcspn(message, "\n")};
}

struct sqlstate_class {
    const char *prefix;
    enum error_code code;
};

/* The longest prefix that fits is found first: the table is read from the top. */
static const struct sqlstate_class sqlstate_classes[] = {
    {"08", ERROR_UNAVAILABLE},             /* connection */
    {"57P", ERROR_UNAVAILABLE},            /* shutdown, crash, not yet started */
    {"57014", ERROR_UNAVAILABLE},          /* statement_timeout */
    {"53", ERROR_UNAVAILABLE},             /* disk full, out of memory, too many connections */
    {"58", ERROR_UNAVAILABLE},             /* input or output of the server */
    {"40", ERROR_TRY_AGAIN},               /* serialisation, deadlock */
    {"25006", ERROR_UNAVAILABLE},          /* a standby: the primary may come back */
    {LOCK_NOT_AVAILABLE, ERROR_TRY_AGAIN}, /* lock_timeout */
    {"28", ERROR_PERMISSION},
    {"42501", ERROR_PERMISSION},
    {"3D000", ERROR_CONFIGURATION}, /* no such database */
    {"42P01", ERROR_CONFIGURATION}, /* no such table, column, schema: somebody changed the schema */
    {"42703", ERROR_CONFIGURATION},
    {"3F000", ERROR_CONFIGURATION},
    {"2BP01", ERROR_CONFIGURATION}, /* something of the user's depends on a table */
    {"42P07", ERROR_CONFIGURATION}, /* something of the user's has the name of a table, column, type already */
    {"42701", ERROR_CONFIGURATION},
    {"42710", ERROR_CONFIGURATION},
    {"42P16", ERROR_CONFIGURATION}, /* an SQL view can't be given other columns */
    {"42809", ERROR_CONFIGURATION}, /* or has it in the table's place */
    {"23", ERROR_CONFIGURATION},    /* a constraint that somebody put on a table */
    {"P0", ERROR_CONFIGURATION},    /* or a trigger */
};

static enum error_code code_of_sqlstate(const char *state)
{
    for (size_t i = 0; i < sizeof sqlstate_classes / sizeof *sqlstate_classes; i++)
        if (strncmp(state, sqlstate_classes[i].prefix, strlen(sqlstate_classes[i].prefix)) == 0)
            return sqlstate_classes[i].code;
    return ERROR_INTERNAL;
}

static const char *or_default(const char *value)
{
    return value && *value ? value : "default";
}

/* `holder`: whoever holds the lock that was waited for, or empty. */
static bool fail_with(PGconn *connection, const PGresult *result, const char *holder, struct error *error)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    enum error_code code = state ? code_of_sqlstate(state) : ERROR_UNAVAILABLE;
    if (PQstatus(connection) != CONNECTION_OK)
        code = ERROR_UNAVAILABLE;
    struct text line = first_line(primary ? primary : PQerrorMessage(connection));
    bool held = *holder && state && strcmp(state, LOCK_NOT_AVAILABLE) == 0;
    return error_set(error, code, "PostgreSQL %s/%s: %.*s%s%s%s%s%s", or_default(PQhost(connection)),
                     or_default(PQdb(connection)), (int)line.length, line.data, state ? " (" : "", state ? state : "",
                     state ? ")" : "", held ? "; the lock is held by " : "", held ? holder : "");
}

static bool fail(PGconn *connection, const PGresult *result, struct error *error)
{
    return fail_with(connection, result, "", error);
}

/* A failed connection has no result, but a verbose message says "FATAL:  28P01: …" in any language. */
static const char *find_sqlstate(const char *message)
{
    for (const char *at = strstr(message, ":  "); at; at = strstr(at + 1, ":  ")) {
        size_t length = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (length == 5 && at[8] == ':')
            return at + 3;
    }
    return NULL;
}

static bool fail_to_connect(const PGconn *connection, bool in_time, struct error *error)
{
    const char *host = or_default(PQhost(connection)), *database = or_default(PQdb(connection));
    if (!in_time)
        return error_set(error, ERROR_UNAVAILABLE, "PostgreSQL %s/%s: no answer to the connection in time", host,
                         database);
    const char *message = PQerrorMessage(connection), *state = find_sqlstate(message);
    enum error_code code = state ? code_of_sqlstate(state) : ERROR_UNAVAILABLE;
    if (PQconnectionNeedsPassword(connection))
        code = ERROR_PERMISSION;
    struct text line = first_line(state ? state + 7 : message);
    return error_set(error, code, "PostgreSQL %s/%s: %.*s", host, database, (int)line.length, line.data);
}

/* The connection string's own connect_timeout, as PQconnectPoll leaves it to the caller. */
static int64_t connect_timeout_us(const PQconninfoOption *options)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, "connect_timeout") == 0 && options->val && atoi(options->val) > 0)
            return atoi(options->val) * US_PER_SECOND;
    return CONNECT_TIMEOUT_US;
}

static PGconn *start(const struct connection_settings *settings)
{
    /* What stands before dbname is a default that the connection string may change; what stands behind it holds. */
    const char *const names[] = {"keepalives",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "keepalives_count",
                                 "tcp_user_timeout",
                                 "dbname",
                                 "client_encoding",
                                 "application_name",
                                 settings->password ? "password" : NULL,
                                 NULL};
    const char *const values[] = {
        "1", "10", "5", "3", "20000", settings->url, "UTF8", settings->application, settings->password, NULL};
    return PQconnectStartParams(names, values, 1);
}

static bool prepare_session(PGconn *connection, const struct connection_settings *settings, struct error *error)
{
    char sql[500];
    snprintf(sql, sizeof sql,
             "set statement_timeout = %" PRId64 "; set lock_timeout = %" PRId64 "; set search_path = pg_catalog; "
             "set client_connection_check_interval = 1000; " /* a killed client's statement and locks end with it */
             "set timezone = 'UTC'; set datestyle = 'ISO'; set standard_conforming_strings = on; "
             "set extra_float_digits = 1; set client_min_messages = warning; set jit = off",
             settings->statement_timeout_ms, settings->lock_timeout_ms);
    return connection_execute(connection, sql, error);
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

bool connection_open(const struct connection_settings *settings, PGconn **ret_connection, struct error *error)
{
    PQconninfoOption *options = PQconninfoParse(settings->url, NULL);
    if (!options) /* libpq's own message would repeat the string, password and all */
        return error_set(error, ERROR_CONFIGURATION, "the connection string of PostgreSQL is malformed");
    int64_t deadline_us = clock_monotonic_us() + connect_timeout_us(options);
    PQconninfoFree(options);
    PGconn *connection = start(settings);
    if (!connection)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(connection, ignore_notice, NULL);
    bool in_time = server_wait_connect(connection, deadline_us);
    bool done = in_time && PQstatus(connection) == CONNECTION_OK && PQsetnonblocking(connection, 1) == 0;
    if (!done)
        fail_to_connect(connection, in_time, error);
    done = done && prepare_session(connection, settings, error);
    if (!done) {
        PQfinish(connection);
        return false;
    }
    *ret_connection = connection;
    return true;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

static bool begins_copy(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_COPY_IN || PQresultStatus(result) == PGRES_COPY_OUT;
}

/* The last result of what was sent, or the first that failed: bytes that were spoilt on the way give an error first,
 * and then may look like the end of a statement that went well. False where the connection is lost. */
static bool take_result(struct server_wait *wait, PGresult **ret_result, struct error *error)
{
    PGresult *result = NULL;
    for (bool more = true; more;) {
        if (!server_wait_for_result(wait, error)) {
            PQclear(result);
            return false;
        }
        PGresult *next = PQgetResult(wait->connection);
        more = next && !begins_copy(next) && PQstatus(wait->connection) == CONNECTION_OK;
        bool failed = result && PQresultStatus(result) == PGRES_FATAL_ERROR;
        PGresult *other = next && !failed ? result : next;
        result = next && !failed ? next : result;
        PQclear(other);
    }
    *ret_result = result;
    return true;
}

/* Whatever isn't otherwise explained, the statement is wrong, or what it finds. */
static void blame_statement(const PGresult *result, struct error *error)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (error && error->code == ERROR_INTERNAL && state)
        error->code = strncmp(state, "22", 2) == 0 ? ERROR_DATA : ERROR_CONFIGURATION;
}

/* ", line 3, column 7" of the statement, where the server says at which of its characters it found the error. */
static void tell_position(const PGresult *result, const char *sql, struct error *error)
{
    const char *position = result ? PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION) : NULL;
    long left = position ? strtol(position, NULL, 10) : 0;
    size_t line = 1, column = 1;
    if (left <= 0 || !error)
        return;
    for (const char *at = sql; *at && left > 1; at++) {
        bool ends_character = (at[1] & 0xc0) != 0x80;
        left -= ends_character;
        column = *at == '\n' ? 1 : column + ends_character;
        line += *at == '\n';
    }
    size_t length = strlen(error->message);
    snprintf(error->message + length, sizeof error->message - length, ", line %zu, column %zu", line, column);
}

/* Takes what a statement that was sent answers; `wanted` tells good results from others. */
static bool finish_of(const char *sql, struct server_wait *wait, bool wanted(const PGresult *), PGresult **ret_result,
                      struct error *error)
{
    PGresult *result;
    if (!take_result(wait, &result, error))
        return false;
    if (!wanted(result)) {
        fail_with(wait->connection, result, wait->holder, error);
        if (sql) {
            blame_statement(result, error);
            tell_position(result, sql, error);
        }
        PQclear(result);
        return false;
    }
    *ret_result = result;
    return true;
}

static bool finish(struct server_wait *wait, bool wanted(const PGresult *), PGresult **ret_result, struct error *error)
{
    return finish_of(NULL, wait, wanted, ret_result, error);
}

bool connection_execute(PGconn *connection, const char *sql, struct error *error)
{
    RESULT *result = NULL;
    struct server_wait wait;
    server_wait_begin(&wait, connection);
    if (!PQsendQuery(connection, sql))
        return fail(connection, NULL, error);
    return finish(&wait, is_good, &result, error);
}

bool connection_query(PGconn *connection, const char *sql, size_t count, const char *const values[],
                      PGresult **ret_result, struct error *error)
{
    struct server_wait wait;
    server_wait_begin(&wait, connection);
    if (!PQsendQueryParams(connection, sql, (int)count, NULL, values, NULL, NULL, 0))
        return fail(connection, NULL, error);
    return finish(&wait, is_good, ret_result, error);
}

bool connection_query_typed(PGconn *connection, const char *sql, size_t count, const Oid types[],
                            const char *const values[], PGresult **ret_result, struct error *error)
{
    struct server_wait wait;
    server_wait_begin(&wait, connection);
    if (!PQsendQueryParams(connection, sql, (int)count, types, values, NULL, NULL, 0))
        return fail(connection, NULL, error);
    return finish_of(sql, &wait, is_good, ret_result, error);
}

static bool declare_cursor(PGconn *connection, const struct buffer *sql, struct error *error)
{
    struct buffer declaration = {0};
    buffer_append_string(&declaration, "declare tm_rows no scroll cursor for ");
    buffer_append_text(&declaration, buffer_text(sql));
    bool done = sql->failed || declaration.failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                                                  : connection_execute(connection, buffer_string(&declaration), error);
    buffer_clean_up(&declaration);
    return done;
}

bool connection_fetch(PGconn *connection, const struct buffer *sql, int at_once, rows_take *take, void *context,
                      struct error *error)
{
    char fetch[64];
    snprintf(fetch, sizeof fetch, "fetch %d from tm_rows", at_once);
    if (!declare_cursor(connection, sql, error))
        return false;
    for (int count = 1; count > 0;) {
        RESULT *rows = NULL;
        if (!connection_query(connection, fetch, 0, NULL, &rows, error) || !take(context, rows, error))
            return false;
        count = PQntuples(rows);
    }
    return connection_execute(connection, "close tm_rows", error);
}

bool connection_copy_begin(PGconn *connection, const char *sql, struct error *error)
{
    RESULT *result = NULL;
    struct server_wait wait;
    server_wait_begin(&wait, connection);
    if (!PQsendQuery(connection, sql))
        return fail(connection, NULL, error);
    return finish(&wait, begins_copy, &result, error);
}

/* Ends a COPY, with a complaint or without, so that the connection is usable again. */
static bool end_copy(PGconn *connection, const char *complaint, struct error *error)
{
    RESULT *result = NULL;
    struct server_wait wait;
    server_wait_begin(&wait, connection);
    int ended = PQputCopyEnd(connection, complaint);
    while (ended == 0 && server_wait_flush(&wait, error))
        ended = PQputCopyEnd(connection, complaint);
    if (ended < 0)
        return fail(connection, NULL, error);
    return ended && finish(&wait, is_good, &result, error);
}

/* Small enough that it shows on the slowest of links that something arrives. */
#define PIECE_BYTES 4096

static bool put_piece(PGconn *connection, struct text piece, struct error *error)
{
    struct server_wait wait;
    server_wait_begin(&wait, connection);
    int put = PQputCopyData(connection, piece.data, (int)piece.length);
    while (put == 0 && server_wait_flush(&wait, error))
        put = PQputCopyData(connection, piece.data, (int)piece.length);
    if (put < 0) {
        fail(connection, NULL, error);
        end_copy(connection, "given up", NULL);
    }
    return put > 0 && server_wait_flush(&wait, error);
}

bool connection_copy_put(PGconn *connection, struct text data, struct error *error)
{
    for (size_t at = 0; at < data.length; at += PIECE_BYTES) {
        size_t left = data.length - at;
        struct text piece = {data.data + at, left < PIECE_BYTES ? left : PIECE_BYTES};
        if (!put_piece(connection, piece, error))
            return false;
    }
    return true;
}

bool connection_copy_end(PGconn *connection, struct error *error)
{
    return end_copy(connection, NULL, error);
}

bool connection_copy_take(PGconn *connection, struct text *ret_piece, struct error *error)
{
    RESULT *result = NULL;
    struct server_wait wait;
    char *data = NULL;
    int length = PQgetCopyData(connection, &data, 1);
    if (length <= 0)
        server_wait_begin(&wait, connection);
    for (; length == 0; length = PQgetCopyData(connection, &data, 1))
        if (!server_wait_for_input(&wait, error))
            return false;
    *ret_piece = (struct text){data, length > 0 ? (size_t)length : 0};
    return length > 0 || finish(&wait, is_good, &result, error);
}

void connection_roll_back(PGconn *connection)
{
    struct error unknown;
    if (PQstatus(connection) == CONNECTION_OK && PQtransactionStatus(connection) == PQTRANS_ACTIVE)
        end_copy(connection, "given up", &unknown);
    if (PQstatus(connection) != CONNECTION_OK || PQtransactionStatus(connection) == PQTRANS_IDLE)
        return;
    bool done = connection_execute(connection, "rollback", &unknown);
    (void)done; /* where it isn't, the connection is lost */
}

void result_clean_up(PGresult **result)
{
    PQclear(*result);
}

int64_t result_integer(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

struct text result_text(const PGresult *result, int row, int column)
{
    return (struct text){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}
