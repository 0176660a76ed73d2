/* SPDX-License-Identifier: Apache-2.0
 * What all layers read of PostgreSQL. */
#ifndef TIDEMARK_POSTGRES_POSTGRES_H
#define TIDEMARK_POSTGRES_POSTGRES_H

#include "ports/publication_store.h"

#define POSTGRES_SCHEMA_VERSION 16

/* The key of the advisory lock of whoever makes tables that may be there already: "if not exists" fails where two do it
 * at once. */
#define POSTGRES_SCHEMA_LOCK "hashtextextended('tidemark schema', 0)"

/* A publication_store; `password` may be NULL. Doesn't connect yet; connects anew after an error. */
bool postgres_publications_open(const char *url, const char *password, struct publication_store **ret_store,
                                struct error *error) MUST_CHECK;

#endif
