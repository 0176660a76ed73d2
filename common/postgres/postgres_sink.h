/* SPDX-License-Identifier: Apache-2.0
 * A sink that is a table, with the columns of the API's CSV; what it is of stands in tidemark.emitted. A micro-batch is
 * one transaction. */
#ifndef TIDEMARK_POSTGRES_SINK_H
#define TIDEMARK_POSTGRES_SINK_H

#include "ports/sink_store.h"
#include "view/view.h"

/* `url` and `password` as of postgres_publications_open. The view must outlive it. Doesn't connect yet. */
bool postgres_sink_open(const char *url, const char *password, const char *schema, const char *table,
                        const struct view *view, struct sink_store **ret_store, struct error *error) MUST_CHECK;

#endif
