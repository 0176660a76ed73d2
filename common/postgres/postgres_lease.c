/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/postgres_lease.h"

#include <stdlib.h>
#include <string.h>

#include "postgres/connection.h"

#define STATEMENT_TIMEOUT_MS 5000

struct postgres_lease {
    struct lease lease; /* first, so that one pointer is both */
    char *url, *password, *key;
    PGconn *connection; /* NULL: none */
    bool is_ours;       /* as long as this connection */
};

static struct postgres_lease *of(struct lease *lease)
{
    return (struct postgres_lease *)lease;
}

static void disconnect(struct postgres_lease *lease)
{
    PQfinish(lease->connection);
    lease->connection = NULL;
    lease->is_ours = false;
}

static bool ensure_connection(struct postgres_lease *lease, struct error *error)
{
    const struct connection_settings settings = {.url = lease->url,
                                                 .password = lease->password,
                                                 .application = "tidemark-emit",
                                                 .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                                 .lock_timeout_ms = STATEMENT_TIMEOUT_MS};
    return lease->connection || connection_open(&settings, &lease->connection, error);
}

/* One that is held is asked whether its connection still is. */
static bool ask(struct postgres_lease *lease, bool *ret_held, struct error *error)
{
    RESULT *result = NULL;
    const char *const values[] = {lease->key};
    const char *sql = lease->is_ours ? "select true where $1::text is not null"
                                     : "select pg_try_advisory_lock(hashtextextended($1, 0))";
    if (!connection_query(lease->connection, sql, 1, values, &result, error))
        return false;
    *ret_held = lease->is_ours = *PQgetvalue(result, 0, 0) == 't';
    return true;
}

static bool hold(struct lease *base, bool *ret_held, struct error *error)
{
    struct postgres_lease *lease = of(base);
    if (ensure_connection(lease, error) && ask(lease, ret_held, error))
        return true;
    disconnect(lease);
    return false;
}

/* Asks for it, since a server notices the end of a connection a moment later. */
static void release(struct lease *base)
{
    struct postgres_lease *lease = of(base);
    struct error unused = {0};
    bool done = !lease->is_ours || connection_execute(lease->connection, "select pg_advisory_unlock_all()", &unused);
    (void)done; /* the lock ends with the connection in any case */
    disconnect(lease);
}

static void destroy(struct lease *base)
{
    struct postgres_lease *lease = of(base);
    disconnect(lease);
    free(lease->url);
    free(lease->password);
    free(lease->key);
    free(lease);
}

bool postgres_lease_open(const char *url, const char *password, const char *key, struct lease **ret_lease,
                         struct error *error)
{
    static const struct lease_operations operations = {.hold = hold, .release = release, .destroy = destroy};
    struct postgres_lease *lease = calloc(1, sizeof *lease);
    if (!lease)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *lease = (struct postgres_lease){
        .lease = {&operations}, .url = strdup(url), .password = password ? strdup(password) : NULL, .key = strdup(key)};
    if (!lease->url || (password && !lease->password) || !lease->key) {
        destroy(&lease->lease);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *ret_lease = &lease->lease;
    return true;
}
