/* SPDX-License-Identifier: Apache-2.0
 * What is published, as of a moment ago: a thread of its own asks PostgreSQL, so that no worker waits for it. */
#ifndef TIDEMARK_SPEED_PUBLISHED_H
#define TIDEMARK_SPEED_PUBLISHED_H

#include "config/settings.h"
#include "state/publication.h"

struct published;

/* Starts the thread. `settings` must outlive it. */
bool published_start(const struct settings *settings, struct published **ret_published, struct error *error) MUST_CHECK;
void published_stop(struct published *published);

/* A copy of the latest publication of the source with this number; false where none was read yet. */
bool published_get(void *published, size_t source, struct publication *ret_publication);

#endif
