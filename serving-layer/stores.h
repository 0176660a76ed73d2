/* SPDX-License-Identifier: Apache-2.0
 * Connections to the two stores that answers are made of. */
#ifndef TIDEMARK_SERVING_STORES_H
#define TIDEMARK_SERVING_STORES_H

#include "config/settings.h"
#include "merged/follower.h"

/* Both connect when they are first asked. What was opened is to be closed in any case. */
bool stores_open(const struct settings *settings, struct follower_stores *stores, struct error *error) MUST_CHECK;
void stores_close(const struct follower_stores *stores);

#endif
