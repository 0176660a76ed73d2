/* SPDX-License-Identifier: Apache-2.0
 * What a replay reads, into which slots, and whose places these take. */
#ifndef TIDEMARK_SPEED_REPLAY_PLAN_H
#define TIDEMARK_SPEED_REPLAY_PLAN_H

#include "config/settings.h"
#include "ports/consumer.h"
#include "ports/realtime_store.h"

struct replay_plan {
    struct source *sources; /* with the definitions whose slots are built */
    const char **places;    /* see struct speed; they belong to the settings */
    size_t count;
};

/* `only_source`: no other; NULL: all that have a speed layer. Of a file that is in use, slots that an earlier replay
 * has left beside the others are removed. The plan is to be cleaned up whatever is answered. */
bool replay_plan_make(const struct settings *settings, const char *only_source, struct realtime_store *store,
                      struct consumer *consumer, struct replay_plan *ret_plan, struct error *error);
void replay_plan_clean_up(struct replay_plan *plan);

/* Of the definition, which no file has, whose slots are built beside those of this source. False: no memory. */
bool replay_fingerprint(const struct source *source, char ret_fingerprint[FINGERPRINT_SIZE]);

#endif
