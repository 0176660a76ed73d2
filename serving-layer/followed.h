/* SPDX-License-Identifier: Apache-2.0
 * The sources of a configuration as the stores have them, followed: what is answered over HTTP, and what is emitted. */
#ifndef TIDEMARK_SERVING_FOLLOWED_H
#define TIDEMARK_SERVING_FOLLOWED_H

#include "config/settings.h"
#include "kafka/client.h"
#include "store_health.h"

struct followed_sources {
    const struct settings *settings;
    struct metrics *metrics;
    struct snapshot **snapshots; /* one a source */
    struct follower_stores stores;
    struct store_health health;
    struct follower *follower;
};

/* Makes snapshots and metrics; nothing connects yet. Clean up in any case. */
bool followed_init(struct followed_sources *followed, const struct settings *settings, struct error *error) MUST_CHECK;
/* Opens the stores and follows them. */
bool followed_start(struct followed_sources *followed, struct error *error) MUST_CHECK;
void followed_stop(struct followed_sources *followed); /* the snapshots stay what they are */
void followed_clean_up(struct followed_sources *followed);

/* How to reach the cluster that the sources are of. */
struct kafka_access settings_kafka_access(const struct settings *settings);

#endif
