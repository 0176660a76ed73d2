/* SPDX-License-Identifier: Apache-2.0
 * The topic of transactions that the detectors read, and what must come of it: logs by chance, of which the world shows
 * more and more, and which may lose their heads. */
#ifndef TIDEMARK_SIMULATION_DETECTOR_TRANSACTIONS_H
#define TIDEMARK_SIMULATION_DETECTOR_TRANSACTIONS_H

#include "detect/detector.h"
#include "ports/log.h"

#define PARTITIONS_MAX 3

/* Makes the logs anew, by chance; `partitions` of them are there for now. A first start judges from the beginning or
 * the end. Detector and logs live until the next call. */
void transactions_begin(uint64_t seed, int32_t partitions, bool from_beginning);
const struct detector *transactions_detector(void);
/* The ceiling of the state in processes that begin from now on; transactions_begin gives them enough. */
void transactions_limit_memory(int64_t bytes);

int32_t transactions_partitions(void);
void transactions_grow(void); /* by one partition, where there may be more */

/* More of a partition is there. False where all is. */
bool transactions_show(int32_t partition, int64_t count);
int64_t transactions_first(int32_t partition);
int64_t transactions_end(int32_t partition);
/* What lies below `first` is gone. The detector has judged all below `position` for good; above `floor` it needs the
 * log: what it loses there is not counted, or not even judged. */
void transactions_trim(int32_t partition, int64_t first, int64_t floor, int64_t position);
/* The first offset with a record time at or after this; -1 where there is none. */
int64_t transactions_offset_at(int32_t partition, int64_t at_us);
/* Valid until the next one is asked for. */
struct log_message transactions_message(int32_t partition, int64_t offset);

/* Where the detector's first start began in this partition: nothing below the floor is known to it, and nothing below
 * `from` judged. */
void transactions_first_start(int32_t partition, int64_t from, int64_t floor);

/* Notes a committed alert, given as its JSON. False where it isn't what it has to be, or there already. */
bool transactions_note_alert(const char *json);
/* Whether all that had to be alerted was noted. */
bool transactions_all_alerted(void);

#endif
