/* SPDX-License-Identifier: Apache-2.0
 * What a broker keeps for a detector: the group with its generation, its positions, the alert topic, and transactions
 * that are open. Members are told by their numbers. */
#ifndef TIDEMARK_SIMULATION_DETECTOR_BROKER_H
#define TIDEMARK_SIMULATION_DETECTOR_BROKER_H

#include "ports/alert_store.h"
#include "ports/consumer.h"
#include "transactions.h"

#define MEMBERS_MAX 3

void broker_begin(void);

/* --- The group --- */

/* A rebalance gives the partitions anew to those who join it: who was a member has to give its own back first, and may
 * commit until it is over. A member that is removed by the broker, as it wasn't heard of, may commit no more. */
void broker_join(int member);
void broker_remove(int member); /* it left, or wasn't heard of */
void broker_grow_topic(void);   /* which members hear of */
/* What a member has to do about it at its next poll. */
enum membership { MEMBER_STAYS, MEMBER_MUST_GIVE_BACK, MEMBER_IS_REMOVED, MEMBER_IS_GIVEN };
enum membership broker_membership(int member);
void broker_gave_back(int member);
/* The partitions that are its own in the generation that began; from now on it is a member of that. */
size_t broker_take(int member, struct consumer_position ret_partitions[PARTITIONS_MAX]);

/* --- Positions and alerts --- */

/* False while a transaction is open. */
bool broker_positions(struct detector_position ret_positions[], size_t count);
/* For good; false where the group has some. */
bool broker_set_first(const struct partition_position positions[], size_t count);
void broker_expire_positions(void);
bool broker_has_alerts(void);
struct detector_position broker_position(int32_t partition); /* the offset is -1 where there is none */

enum transaction_end { TRANSACTION_COMMITTED, TRANSACTION_ABORTED, TRANSACTION_LEFT_OPEN };
/* Alerts and positions as one, of the generation whose partitions the member took. False where it may not. */
bool broker_commit(int member, const struct alert_record alerts[], size_t alert_count,
                   const struct partition_position positions[], size_t position_count, enum transaction_end end);
/* What was left open is committed or aborted. */
void broker_end_transactions(bool committed);

/* What was wrong with something that was committed; NULL: nothing so far. */
const char *broker_problem(void);

#endif
