/* SPDX-License-Identifier: Apache-2.0
 * Looks from a thread of its own at who else is in the consumer group: a member of another installation that was given
 * partitions of our topics counts what we don't. It is said by name, as an error. A look costs the brokers two requests
 * each, so there are several soon after the group was shared out anew, which is when members come and go, and else one
 * a minute. */
#ifndef TIDEMARK_SPEED_GROUP_WATCH_H
#define TIDEMARK_SPEED_GROUP_WATCH_H

#include "config/settings.h"
#include "kafka/client.h"
#include "worker/worker.h"

struct group_watch;

/* Both must outlive it. */
bool group_watch_start(const struct settings *settings, const struct kafka_access *access,
                       struct group_watch **ret_watch, struct error *error) MUST_CHECK;
void group_watch_stop(struct group_watch *watch); /* NULL is allowed */

/* For struct speed; the context is the watch, which is NULL where there is none. */
void group_watch_regrouped(void *context);
bool group_watch_foreign(void *context, size_t number, struct foreign_partition *ret_partition);

#endif
