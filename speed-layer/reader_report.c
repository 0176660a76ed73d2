/* SPDX-License-Identifier: Apache-2.0 */
#include "reader_report.h"

#include "base/clock.h"

bool reader_report_is_stuck(const struct reader_report *report, int64_t turn_us)
{
    int64_t turned_us = report->turned_us;
    return turned_us > 0 && clock_monotonic_us() - turned_us > turn_us;
}

void reader_report_append_hindrances(const struct reader_report *report, int64_t turn_us, const char *reader,
                                     struct buffer *out)
{
    int64_t turned_us = report->turned_us, now_us = clock_monotonic_us();
    if (turned_us == 0) {
        buffer_appendf(out, "%s hasn't begun yet\n", reader);
        return;
    }
    if (reader_report_is_stuck(report, turn_us))
        buffer_appendf(out, "%s hasn't come round for %lld seconds\n", reader,
                       (long long)((now_us - turned_us) / US_PER_SECOND));
    if (!report->has_assignment)
        buffer_appendf(out, "%s: the group hasn't said yet which partitions it has\n", reader);
    if (report->suspended)
        buffer_appendf(out, "%s: the real-time store takes no commits\n", reader);
    const struct {
        int count;
        const char *what;
    } troubles[] = {{report->closed, "not open yet"},
                    {report->stopped, "stopped with an alarm"},
                    {report->unreadable, "unreadable: the log can't be read on"}};
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
        if (troubles[i].count > 0)
            buffer_appendf(out, "%s: %d of its %d partitions are %s\n", reader, troubles[i].count, report->owned,
                           troubles[i].what);
}
