/* SPDX-License-Identifier: Apache-2.0
 * The PostgreSQL of a test program: one server, which its group of tests starts and stops, and connections to it. */
#ifndef TIDEMARK_TESTS_POSTGRES_SERVER_H
#define TIDEMARK_TESTS_POSTGRES_SERVER_H

#include "cmocka_test.h"

#include "postgres/connection.h"
#include "servers.h"

static struct server server;

static inline int start_server(void **state)
{
    (void)state;
    postgres_server_start(&server);
    return 0;
}

static inline int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static inline struct connection_settings settings_for(const char *url)
{
    return (struct connection_settings){
        .url = url, .application = "test", .statement_timeout_ms = 60000, .lock_timeout_ms = 100};
}

static inline PGconn *connect_to(const char *url)
{
    const struct connection_settings settings = settings_for(url);
    struct error error;
    PGconn *connection;
    if (!connection_open(&settings, &connection, &error))
        fail_msg("%s", error.message);
    return connection;
}

#endif
