/* SPDX-License-Identifier: Apache-2.0
 * What a member of a consumer group was given, as the consumer protocol writes it: a version, topics with their
 * partitions, and bytes of the assignor's own, which are passed over. Numbers are big-endian. */
#ifndef TIDEMARK_KAFKA_ASSIGNMENT_H
#define TIDEMARK_KAFKA_ASSIGNMENT_H

#include "ports/group.h"

/* Into memory of the arena. No bytes at all are no partitions. False, with both untouched, where the bytes aren't an
 * assignment, or where memory is short. */
bool assignment_parse(struct text bytes, struct arena *arena, const struct group_partition **ret_partitions,
                      size_t *ret_count);

#endif
