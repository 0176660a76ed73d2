/* SPDX-License-Identifier: Apache-2.0
 * Time: the wall clock for what people read, the monotonic clock for timers. Views depend on neither. These two
 * functions stand alone in their file, so that a simulation can put its own in their place. */
#ifndef TIDEMARK_BASE_CLOCK_H
#define TIDEMARK_BASE_CLOCK_H

#include <stdint.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)

int64_t clock_monotonic_us(void);
int64_t clock_wall_us(void); /* microseconds since 1970 in UTC */

#endif
