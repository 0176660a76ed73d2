/* SPDX-License-Identifier: Apache-2.0
 * Judges one source by one detector: a member of the group "<group>-<detector>", in a thread of its own. Views of the
 * same source don't wait for it, nor it for Redis or PostgreSQL.
 *
 * A partition is opened by reading from the floor to the position without judging. Alerts are committed as soon as a
 * poll has given some, or at most a tenth of a second later, positions without alerts every minute and every 100,000
 * transactions. Whatever goes wrong, the partitions are closed and opened again from the positions that the group has.
 */
#ifndef TIDEMARK_SPEED_DETECTOR_READER_H
#define TIDEMARK_SPEED_DETECTOR_READER_H

#include "detector/partition.h"
#include "metrics/metrics.h"
#include "ports/consumer.h"
#include "reader_report.h"

struct detector_reader;

#define DETECTOR_TURN_US (300 * US_PER_SECOND) /* the longest: a first start may look through a whole alert topic */

/* `metrics` are of the table speed_metrics, NULL counts nothing; `report` may be NULL too. NULL: no memory. */
struct detector_reader *detector_reader_new(const struct detector *detector, struct metrics *metrics,
                                            struct reader_report *report);
/* Leaves the group, with a last commit of what is pending. NULL is allowed. */
void detector_reader_destroy(struct detector_reader *reader);

/* What its consumer must call; consumer and store are then the reader's. */
struct consumer_events detector_reader_events(struct detector_reader *reader);
void detector_reader_attach(struct detector_reader *reader, struct consumer *consumer, struct alert_store *store);

/* Once round: opens what is closed, polls, commits what is due. False where an operator must act before anything can be
 * judged: ERROR_CONFIGURATION. */
bool detector_reader_turn(struct detector_reader *reader, struct error *error) MUST_CHECK;

/* Every partition is committed up to the end that it had when it was first opened, or stopped. */
bool detector_reader_has_reached_ends(const struct detector_reader *reader);
size_t detector_reader_stopped_partitions(const struct detector_reader *reader);

/* The positions at which a group without any begins: `at_beginning`, or at the log's end with a floor as far back as
 * the detector's reach. `count` is the topic's partitions. */
bool detector_first_positions(const struct detector *detector, struct consumer *consumer, bool at_beginning,
                              struct partition_position ret_positions[], size_t count, struct error *error) MUST_CHECK;

#endif
