/* SPDX-License-Identifier: Apache-2.0
 * What a detector, as it is configured now, would have alerted. Writes nowhere but to standard output. */
#ifndef TIDEMARK_SPEED_BACKTEST_H
#define TIDEMARK_SPEED_BACKTEST_H

#include "config/settings.h"

/* Judges the messages whose record times are from `from` until before `to`, RFC 3339 times or dates in UTC; NULL is the
 * log's beginning or end. The windows are filled from before. Prints alerts as JSON lines, partition by partition, and
 * how many there are of each rule on standard error. Returns the exit code. */
int detector_backtest(const struct settings *settings, const char *detector, const char *from, const char *to);

#endif
