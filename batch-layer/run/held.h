/* SPDX-License-Identifier: Apache-2.0
 * Why the messages of a partition wait though somebody reads the log: what holds it, until an operator acts. A run
 * doesn't take what is held, for it was stopped on purpose, or is somebody else's: it publishes the rest, and says so.
 */
#ifndef TIDEMARK_BATCH_HELD_H
#define TIDEMARK_BATCH_HELD_H

#include "run/source_run.h"

/* What holds a partition whose slot has this alarm, as the end of "… messages wait: "; NULL where the alarm passes by
 * itself, or is none. */
const char *held_by(const char *alarm);

/* Asks the consumer group whether members of other installations have partitions that nobody of ours commits to: those
 * are held from now on, and the member is named. False where the group is just sharing its partitions out. What can't
 * be asked holds nothing; a warning says so. */
bool held_by_members(struct source_run *run);

/* ERROR_HELD names the partitions of the run that are held, how many messages wait in each, and why; true where there
 * are none. */
bool held_check(const struct source_run *run, struct error *error) MUST_CHECK;

#endif
