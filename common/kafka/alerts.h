/* SPDX-License-Identifier: Apache-2.0
 * alert_store over Kafka: alerts and positions change in one transaction, with the generation of the group's member.
 *
 * A producer's transactional id is its own ("<group>/<random>"): what protects the positions is the generation. Who
 * reads the positions waits for a transaction that is open; a dead member's is ended by the broker after ten seconds.
 *
 * A broker without transactions (the demo's takes them, and forgets the positions in them) is told by reading back the
 * first commit. From then on positions are committed behind the alerts, and after a crash an alert may come again; its
 * alert_id tells. */
#ifndef TIDEMARK_KAFKA_ALERTS_H
#define TIDEMARK_KAFKA_ALERTS_H

#include "kafka/client.h"
#include "ports/alert_store.h"
#include "ports/consumer.h"

#define ALERT_HEADER "tidemark-detector" /* of each alert: the detector's name */

/* `access` is of the detector's group; `consumer` is its member, or NULL where there is none: then nothing can be
 * committed but by `begin`. All must outlive it. Doesn't connect yet. */
bool kafka_alerts_open(const struct kafka_access *access, const struct detector *detector, struct consumer *consumer,
                       struct alert_store **ret_store, struct error *error) MUST_CHECK;

#endif
