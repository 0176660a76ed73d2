/* SPDX-License-Identifier: Apache-2.0
 * The instants that an event time may be. */
#ifndef TIDEMARK_RECORD_EVENT_TIME_H
#define TIDEMARK_RECORD_EVENT_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "record/record.h"

/* A number of seconds, milliseconds or microseconds since 1970 to µs; false outside 2000 until 2100. */
bool event_time_from_number(int64_t number, enum time_unit unit, int64_t *ret_us);

#endif
