/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/connection.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define CONNECT_TIMEOUT_US (5 * US_PER_SECOND)

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
    {"08", ERROR_UNAVAILABLE},    /* connection */
    {"57P", ERROR_UNAVAILABLE},   /* shutdown, crash, not yet started */
    {"57014", ERROR_UNAVAILABLE}, /* statement_timeout */
    {"53", ERROR_UNAVAILABLE},    /* disk full, out of memory, too many connections */
    {"58", ERROR_UNAVAILABLE},    /* input or output of the server */
    {"40", ERROR_UNAVAILABLE},    /* serialisation, deadlock */
    {"25006", ERROR_UNAVAILABLE}, /* a standby: the primary may come back */
    {"55P03", ERROR_TRY_AGAIN},   /* lock_timeout */
    {"28", ERROR_PERMISSION},       {"42501", ERROR_PERMISSION},
    {"3D000", ERROR_CONFIGURATION}, /* no such database */
    {"42P01", ERROR_CONFIGURATION}, /* no such table, column, schema: somebody changed the schema */
    {"42703", ERROR_CONFIGURATION}, {"3F000", ERROR_CONFIGURATION},
    {"2BP01", ERROR_CONFIGURATION}, /* something of the user's depends on a table */
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

static bool fail(PGconn *connection, const PGresult *result, struct error *error)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    enum error_code code = state ? code_of_sqlstate(state) : ERROR_UNAVAILABLE;
    if (PQstatus(connection) != CONNECTION_OK)
        code = ERROR_UNAVAILABLE;
    struct text line = first_line(primary ? primary : PQerrorMessage(connection));
    return error_set(error, code, "PostgreSQL %s/%s: %.*s%s%s%s", or_default(PQhost(connection)),
                     or_default(PQdb(connection)), (int)line.length, line.data, state ? " (" : "", state ? state : "",
                     state ? ")" : "");
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

static bool wait_for_connection(PGconn *connection, int64_t deadline_us)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0)
            return false;
        struct pollfd socket = {PQsocket(connection), status == PGRES_POLLING_READING ? POLLIN : POLLOUT, 0};
        int ready = poll(&socket, 1, (int)(left_us / 1000) + 1);
        if (ready > 0)
            status = PQconnectPoll(connection);
        else if (ready < 0 && errno != EINTR)
            return false;
    }
    return true;
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
    bool in_time = PQstatus(connection) == CONNECTION_BAD || wait_for_connection(connection, deadline_us);
    bool done = in_time && PQstatus(connection) == CONNECTION_OK;
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

bool connection_execute(PGconn *connection, const char *sql, struct error *error)
{
    RESULT *result = PQexec(connection, sql);
    return is_good(result) || fail(connection, result, error);
}

bool connection_query(PGconn *connection, const char *sql, size_t count, const char *const values[],
                      PGresult **ret_result, struct error *error)
{
    PGresult *result = PQexecParams(connection, sql, (int)count, NULL, values, NULL, NULL, 0);
    if (!is_good(result)) {
        fail(connection, result, error);
        PQclear(result);
        return false;
    }
    *ret_result = result;
    return true;
}

bool connection_copy_begin(PGconn *connection, const char *sql, struct error *error)
{
    RESULT *result = PQexec(connection, sql);
    return PQresultStatus(result) == PGRES_COPY_IN || fail(connection, result, error);
}

/* Reads what is left of a COPY, so that the connection is usable again; the first complaint is the reason. */
static bool drain_copy(PGconn *connection, struct error *error)
{
    bool done = true;
    for (PGresult *result = PQgetResult(connection); result; result = PQgetResult(connection)) {
        if (done && PQresultStatus(result) != PGRES_COMMAND_OK)
            done = fail(connection, result, error);
        PQclear(result);
        if (PQstatus(connection) != CONNECTION_OK)
            break;
    }
    return done;
}

bool connection_copy_put(PGconn *connection, struct text lines, struct error *error)
{
    if (PQputCopyData(connection, lines.data, (int)lines.length) == 1)
        return true;
    fail(connection, NULL, error);
    drain_copy(connection, NULL);
    return false;
}

bool connection_copy_end(PGconn *connection, struct error *error)
{
    if (PQputCopyEnd(connection, NULL) != 1)
        return fail(connection, NULL, error);
    return drain_copy(connection, error);
}

void connection_roll_back(PGconn *connection)
{
    if (PQstatus(connection) == CONNECTION_OK && PQtransactionStatus(connection) != PQTRANS_IDLE)
        PQclear(PQexec(connection, "rollback"));
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
