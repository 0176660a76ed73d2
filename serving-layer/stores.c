/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include "postgres/sourced_publications.h"
#include "redis/sourced_store.h"

bool stores_open(const struct settings *settings, struct follower_stores *stores, struct error *error)
{
    return sourced_publications_open(settings->postgres.url, settings->postgres.password, settings->sources,
                                     settings->source_count, &stores->publications, error) &&
           sourced_store_open(settings->redis.url, settings->redis.password, settings->redis.name_space,
                              settings->sources, settings->source_count, &stores->realtime, error);
}

void stores_close(const struct follower_stores *stores)
{
    if (stores->realtime)
        stores->realtime->operations->destroy(stores->realtime);
    if (stores->publications)
        stores->publications->operations->destroy(stores->publications);
}
