/* SPDX-License-Identifier: Apache-2.0
 * The rule in the footer of a TZif file ("GMT0BST,M3.5.0/1,M10.5.0"): POSIX's TZ with the longer times of RFC 8536. It
 * says on which two days of any year the clock changes. Internal to zone.c. */
#ifndef TIDEMARK_BASE_ZONE_RULE_H
#define TIDEMARK_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define OFFSET_MAX_S 93599 /* below 26 hours east or west, as RFC 8536 has it */

enum rule_day_kind {
    RULE_DAY_JULIAN,     /* Jn: 1..365, 29 February is never counted */
    RULE_DAY_OF_YEAR,    /* n: 0..365 */
    RULE_DAY_OF_WEEKDAY, /* Mm.w.d: the w-th weekday d of month m, w = 5 is the last */
};

struct rule_day {
    enum rule_day_kind kind;
    int day; /* of the year, or of the week with Sunday 0 */
    int month, week;
    int32_t time_s; /* after the day's 00:00 by the clock before the change; can be negative or beyond the day */
};

struct zone_rule {
    int32_t standard_s; /* seconds east of UTC */
    bool has_daylight;  /* false: the offset never changes again */
    int32_t daylight_s;
    struct rule_day start, end; /* of daylight time */
};

struct zone_change {
    int64_t at_s;     /* seconds since 1970 in UTC */
    int32_t offset_s; /* from then on */
};

/* False where the text isn't such a rule. */
bool zone_rule_parse(struct text text, struct zone_rule *ret_rule);

/* Both changes of a year, the earlier first; only for a rule with daylight time. */
void zone_rule_changes(const struct zone_rule *rule, int year, struct zone_change ret_changes[2]);

#endif
