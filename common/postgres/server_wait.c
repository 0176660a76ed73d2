/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/server_wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/shutdown.h"

#define FIRST_LOOK_US (3 * US_PER_SECOND)
#define LOOK_EVERY_MAX_US (60 * US_PER_SECOND)
#define LOOK_TIMEOUT_US (5 * US_PER_SECOND)
#define STRIKES_MAX 3
#define SHUTDOWN_TIMEOUT_US (2 * US_PER_SECOND)

enum verdict { WORKING, NOT_WORKING, UNKNOWN };

static void heard(struct server_wait *wait)
{
    wait->heard_us = clock_monotonic_us();
    wait->look_every_us = FIRST_LOOK_US;
    wait->next_look_us = wait->heard_us + FIRST_LOOK_US;
    wait->strikes = 0;
}

void server_wait_begin(struct server_wait *wait, PGconn *connection)
{
    *wait = (struct server_wait){.connection = connection};
    heard(wait);
}

bool server_wait_connect(PGconn *connection, int64_t deadline_us)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (PQstatus(connection) != CONNECTION_BAD && status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        int64_t now_us = clock_monotonic_us();
        bool leaving = shutdown_requested();
        if (leaving && deadline_us > now_us + SHUTDOWN_TIMEOUT_US)
            deadline_us = now_us + SHUTDOWN_TIMEOUT_US;
        if (deadline_us <= now_us)
            return false;
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        struct pollfd fds[] = {{PQsocket(connection), events, 0}, {leaving ? -1 : shutdown_descriptor(), POLLIN, 0}};
        if (poll(fds, 2, (int)((deadline_us - now_us) / 1000) + 1) < 0 && errno != EINTR)
            return false;
        if (fds[0].revents)
            status = PQconnectPoll(connection);
    }
    return true;
}

/* A second connection, made as the first was. */
static PGconn *connect_likewise(PGconn *connection, bool *ret_in_time)
{
    const char *names[64], *values[64];
    size_t count = 0;
    PQconninfoOption *options = PQconninfo(connection);
    for (const PQconninfoOption *option = options; option && option->keyword && count < 63; option++)
        if (option->val && *option->val) {
            names[count] = option->keyword;
            values[count++] = option->val;
        }
    names[count] = values[count] = NULL;
    PGconn *second = options ? PQconnectStartParams(names, values, 0) : NULL;
    PQconninfoFree(options);
    *ret_in_time = second && server_wait_connect(second, clock_monotonic_us() + LOOK_TIMEOUT_US);
    return second;
}

/* What the server does for a process, who keeps it from that, and how much of a COPY has arrived. A process number that
 * it doesn't know for this very connection was made up by a pooler on the way, and says nothing. */
#define QUESTION                                                                                                       \
    "select case when %d <> pg_catalog.pg_backend_pid() or pg_catalog.current_setting('track_activities') = 'off' "    \
    "then 'unknown' when exists (select from pg_catalog.pg_stat_activity where pid = %d and state = 'active' and "     \
    "coalesce(wait_event, '') not in ('ClientRead', 'ClientWrite')) then 'working' else 'idle' end, (select "          \
    "string_agg(format('%%s (server process %%s)', coalesce(nullif(application_name, ''), 'unknown'), pid), ', ') "    \
    "from pg_catalog.pg_stat_activity where pid = any(pg_catalog.pg_blocking_pids(%d))), (select bytes_processed "     \
    "from "                                                                                                            \
    "pg_catalog.pg_stat_progress_copy where pid = %d)"

/* One answer, or NULL where it doesn't come in time. */
static PGresult *ask(PGconn *second, int pid)
{
    char sql[900];
    snprintf(sql, sizeof sql, QUESTION, PQbackendPID(second), pid, pid, pid);
    int64_t deadline_us = clock_monotonic_us() + LOOK_TIMEOUT_US;
    if (!PQsendQuery(second, sql))
        return NULL;
    while (PQisBusy(second)) {
        struct pollfd socket = {PQsocket(second), POLLIN, 0};
        int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0 || (poll(&socket, 1, (int)(left_us / 1000) + 1) > 0 && !PQconsumeInput(second)))
            return NULL;
    }
    return PQgetResult(second);
}

static enum verdict judge(struct server_wait *wait, const PGresult *answer)
{
    if (!answer || PQresultStatus(answer) != PGRES_TUPLES_OK || PQntuples(answer) != 1)
        return NOT_WORKING;
    snprintf(wait->holder, sizeof wait->holder, "%s", PQgetvalue(answer, 0, 1));
    const char *found = PQgetvalue(answer, 0, 0), *arrived = PQgetvalue(answer, 0, 2);
    bool moves = strcmp(arrived, wait->arrived) != 0; /* a slow link isn't a dead one */
    snprintf(wait->arrived, sizeof wait->arrived, "%s", arrived);
    return strcmp(found, "working") == 0 || moves ? WORKING : strcmp(found, "idle") == 0 ? NOT_WORKING : UNKNOWN;
}

static enum verdict look(struct server_wait *wait)
{
    bool in_time;
    PGconn *second = connect_likewise(wait->connection, &in_time);
    enum verdict verdict = NOT_WORKING;
    if (in_time && PQstatus(second) == CONNECTION_OK) {
        PGresult *answer = ask(second, PQbackendPID(wait->connection));
        verdict = judge(wait, answer);
        PQclear(answer);
    } else if (in_time && strstr(PQerrorMessage(second), "FATAL:")) {
        verdict = UNKNOWN; /* it is there, and takes no more connections */
    }
    PQfinish(second);
    return verdict;
}

/* libpq must see for itself that its connection is over. */
static bool give_up(struct server_wait *wait, enum error_code code, const char *why, struct error *error)
{
    PGconn *connection = wait->connection;
    shutdown(PQsocket(connection), SHUT_RDWR);
    while (PQstatus(connection) == CONNECTION_OK && PQconsumeInput(connection))
        ;
    return error_set(error, code, "PostgreSQL %s/%s: %s", PQhost(connection), PQdb(connection), why);
}

static bool check_shutdown(struct server_wait *wait, int64_t now_us, struct error *error)
{
    if (!shutdown_requested())
        return true;
    if (!wait->leave_us)
        wait->leave_us = now_us + SHUTDOWN_TIMEOUT_US;
    return now_us < wait->leave_us || give_up(wait, ERROR_TRY_AGAIN, "stopped by a signal", error);
}

static bool look_if_due(struct server_wait *wait, int64_t now_us, struct error *error)
{
    if (now_us < wait->next_look_us || shutdown_requested())
        return true;
    enum verdict verdict = look(wait);
    wait->strikes = verdict == NOT_WORKING ? wait->strikes + 1 : 0;
    if (wait->strikes == STRIKES_MAX)
        return give_up(wait, ERROR_UNAVAILABLE, "the connection is dead: the server isn't at work for it", error);
    if (wait->strikes == 0 && wait->look_every_us * 2 <= LOOK_EVERY_MAX_US)
        wait->look_every_us *= 2;
    wait->next_look_us = clock_monotonic_us() + (wait->strikes ? FIRST_LOOK_US : wait->look_every_us);
    return true;
}

/* Waits for events on the socket; true with *ret_ready 0 where it is only time to think again. */
static bool wait_for(struct server_wait *wait, short events, short *ret_ready, struct error *error)
{
    int64_t now_us = clock_monotonic_us();
    if (!check_shutdown(wait, now_us, error) || !look_if_due(wait, now_us, error))
        return false;
    int64_t until_us = wait->leave_us ? wait->leave_us : wait->next_look_us, end_us = shutdown_thread_end_us();
    until_us = !wait->leave_us && end_us < until_us ? end_us : until_us;
    int64_t left_us = until_us - clock_monotonic_us();
    struct pollfd fds[] = {{PQsocket(wait->connection), events, 0},
                           {wait->leave_us ? -1 : shutdown_descriptor(), POLLIN, 0}};
    int ready = poll(fds, 2, left_us > 0 ? (int)(left_us / 1000) + 1 : 0);
    *ret_ready = ready > 0 ? fds[0].revents : 0;
    if (*ret_ready)
        heard(wait);
    return true;
}

static bool lost(struct server_wait *wait, struct error *error)
{
    const char *message = PQerrorMessage(wait->connection);
    return error_set(error, ERROR_UNAVAILABLE, "PostgreSQL %s/%s: %.*s", PQhost(wait->connection),
                     PQdb(wait->connection), (int)strcspn(message, "\n"), message);
}

bool server_wait_flush(struct server_wait *wait, struct error *error)
{
    for (int left = PQflush(wait->connection); left; left = PQflush(wait->connection)) {
        short ready = 0;
        if (left < 0)
            return lost(wait, error);
        if (!wait_for(wait, POLLIN | POLLOUT, &ready, error))
            return false;
        if ((ready & POLLIN) && !PQconsumeInput(wait->connection))
            return lost(wait, error);
    }
    return true;
}

bool server_wait_for_input(struct server_wait *wait, struct error *error)
{
    short ready = 0;
    while (!ready)
        if (!wait_for(wait, POLLIN, &ready, error))
            return false;
    return PQconsumeInput(wait->connection) || lost(wait, error);
}

bool server_wait_for_result(struct server_wait *wait, struct error *error)
{
    if (!server_wait_flush(wait, error))
        return false;
    while (PQisBusy(wait->connection)) {
        short ready = 0;
        if (!wait_for(wait, POLLIN, &ready, error))
            return false;
        if (ready && !PQconsumeInput(wait->connection))
            return true; /* the result that follows says what was lost */
    }
    return true;
}
