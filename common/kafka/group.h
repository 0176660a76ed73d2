/* SPDX-License-Identifier: Apache-2.0
 * group over Kafka. */
#ifndef TIDEMARK_KAFKA_GROUP_H
#define TIDEMARK_KAFKA_GROUP_H

#include "kafka/client.h"
#include "ports/group.h"

/* The group of the access, which must outlive it. Doesn't connect yet, and joins nothing. */
bool kafka_group_open(const struct kafka_access *access, struct consumer_group **ret_group,
                      struct error *error) MUST_CHECK;

#endif
