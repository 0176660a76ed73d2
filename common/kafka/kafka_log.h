/* SPDX-License-Identifier: Apache-2.0
 * event_log over Kafka: read_committed, no consumer group, bounded memory. */
#ifndef TIDEMARK_KAFKA_LOG_H
#define TIDEMARK_KAFKA_LOG_H

#include "kafka/client.h"
#include "ports/log.h"

/* Doesn't connect yet. The access must outlive it. */
bool kafka_log_open(const struct kafka_access *access, struct event_log **ret_log, struct error *error) MUST_CHECK;

#endif
