/* SPDX-License-Identifier: Apache-2.0
 * Whether libpq would understand a connection string, asked before there is a connection. */
#ifndef TIDEMARK_POSTGRES_URL_H
#define TIDEMARK_POSTGRES_URL_H

#include "base/error.h"

/* ERROR_CONFIGURATION where the string is malformed, has an option that libpq doesn't know (with the one that was
 * probably meant), or a port or sslmode that can't be. Never repeats the string, for it may hold a password. Connects
 * to nothing. */
bool postgres_url_check(const char *url, struct error *error) MUST_CHECK;

#endif
