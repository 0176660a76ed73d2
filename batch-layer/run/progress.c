/* SPDX-License-Identifier: Apache-2.0 */
#include "run/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define SHOW_EVERY_US (US_PER_SECOND / 5)

static double seconds_since(int64_t began_us)
{
    int64_t passed_us = clock_monotonic_us() - began_us;
    return (double)(passed_us > 0 ? passed_us : 1) / (double)US_PER_SECOND;
}

void progress_begin(struct progress *progress, const char *what, const char *unit, int64_t total)
{
    *progress = (struct progress){.what = what, .unit = unit, .total = total, .terminal = isatty(STDERR_FILENO) == 1};
    progress->began_us = progress->shown_us = clock_monotonic_us();
}

void progress_add(struct progress *progress, int64_t done)
{
    progress->done += done;
    if (!progress->terminal || clock_monotonic_us() - progress->shown_us < SHOW_EVERY_US)
        return;
    progress->shown_us = clock_monotonic_us();
    double rate = (double)progress->done / seconds_since(progress->began_us);
    fprintf(stderr, "\r\033[K%s: %" PRId64 " of %" PRId64 " %s, %.*f/s, %.0f s left", progress->what, progress->done,
            progress->total, progress->unit, rate < 10 ? 1 : 0, rate,
            (double)(progress->total - progress->done) / (rate > 0 ? rate : 1));
}

double progress_end(struct progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", stderr);
    return seconds_since(progress->began_us);
}
