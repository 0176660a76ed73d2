/* SPDX-License-Identifier: Apache-2.0
 * The publication store of a configuration: in PostgreSQL what is published of the sources that have a batch layer, and
 * of the others nothing, ever. Where no source has one, there is no PostgreSQL either. */
#ifndef TIDEMARK_POSTGRES_SOURCED_PUBLICATIONS_H
#define TIDEMARK_POSTGRES_SOURCED_PUBLICATIONS_H

#include "ports/publication_store.h"

/* As postgres_publications_open; the sources outlive it. */
bool sourced_publications_open(const char *url, const char *password, const struct source sources[],
                               size_t source_count, struct publication_store **ret_store,
                               struct error *error) MUST_CHECK;

#endif
