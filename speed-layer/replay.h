/* SPDX-License-Identifier: Apache-2.0
 * tidemark-speed replay: reads topics again from their start, into slots beside those that are in use.
 *
 * By a file that is in use, the new slots take the places of the old ones, partition by partition, as each has caught
 * up. By another file they are the new definition's, and stay where they are: programs of that file find them. A replay
 * that was killed leaves what is in use as it was, or as it is after, never a mixture. */
#ifndef TIDEMARK_SPEED_REPLAY_H
#define TIDEMARK_SPEED_REPLAY_H

#include "config/settings.h"

/* `only_source`: no other; NULL: all that have a speed layer. `accepts_partitions`: of sources without a batch layer
 * new slots say that the topic may have as many as it has. Returns the exit code. */
int speed_replay(const struct settings *settings, const char *only_source, bool accepts_partitions);

#endif
