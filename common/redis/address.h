/* SPDX-License-Identifier: Apache-2.0
 * Where a Redis is and how to log in: redis://[user[:password]@]host[:port][/database], [address] for IPv6, or
 * unix:///path/of/socket[?db=number]. User and password may be percent-encoded. */
#ifndef TIDEMARK_REDIS_ADDRESS_H
#define TIDEMARK_REDIS_ADDRESS_H

#include <stdint.h>

#include "base/error.h"

struct redis_address {
    bool is_socket;
    char place[256]; /* host name or address, or the path of a socket */
    uint16_t port;   /* 0 for a socket */
    uint16_t database;
    char user[128];     /* empty: the default user */
    char password[512]; /* empty: none */
};

/* ERROR_CONFIGURATION says what is wrong without showing the URL, for it may hold a password. */
bool redis_address_parse(const char *url, struct redis_address *ret_address, struct error *error) MUST_CHECK;

/* The same with the password of its file, which may be NULL: then it stays that of the URL. */
bool redis_address_make(const char *url, const char *password, struct redis_address *ret_address,
                        struct error *error) MUST_CHECK;

/* Whether it can be parsed. */
bool redis_url_check(const char *url, struct error *error) MUST_CHECK;

#endif
