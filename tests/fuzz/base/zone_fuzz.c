/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as the file of a time zone: refused, or a zone that says of every moment what a clock can show. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/zone.h"
#include "base/zone_rule.h"
#include "fuzz.h"
#include "order_rules.h"

static void check_moment(const struct zone *zone, int64_t at_s)
{
    struct zone_span span = zone_span(zone, at_s);
    REQUIRE(span.from_s <= at_s && at_s < span.to_s);
    REQUIRE(span.offset_s >= -OFFSET_MAX_S && span.offset_s <= OFFSET_MAX_S);
    REQUIRE(span.offset_s == zone_offset(zone, at_s));
    int64_t instant_s = zone_instant(zone, at_s);
    REQUIRE(instant_s + zone_offset(zone, instant_s) >= at_s);
    REQUIRE(instant_s - 1 + zone_offset(zone, instant_s - 1) < at_s);
    REQUIRE(zone_instant(zone, at_s + span.offset_s) <= at_s);
}

static void check_printed(const struct zone *zone, int64_t at_s)
{
    struct buffer printed = {0};
    int64_t us;
    buffer_append_local_time(&printed, zone, at_s * 1000000);
    bool has_hours = zone_offset(zone, at_s) / 3600 < 24 && zone_offset(zone, at_s) / 3600 > -24;
    REQUIRE(!has_hours || (rules_time(printed.data, printed.length, &us) && us == at_s * 1000000));
    buffer_clean_up(&printed);
}

static void check_zone(const struct zone *zone)
{
    static const int64_t moments_s[] = {-5000000000,   0, 951782400, 1774746000, 4102444799, 253402300800,
                                        99999999999999};
    for (size_t i = 0; i < sizeof moments_s / sizeof moments_s[0]; i++)
        check_moment(zone, moments_s[i]);
    struct zone_span span = zone_span(zone, 1767225600);
    for (int i = 0; i < 5 && span.to_s < INT64_C(1) << 40; i++) {
        check_moment(zone, span.to_s - 1);
        check_moment(zone, span.to_s);
        span = zone_span(zone, span.to_s);
    }
    check_printed(zone, 951782400);
    check_printed(zone, 1774746000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *zone = NULL;
    struct error error = {0};
    char name[32];
    int descriptor = memfd_create("zone", MFD_CLOEXEC);
    REQUIRE(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    (void)snprintf(name, sizeof name, "%d", descriptor);
    REQUIRE(setenv("TZDIR", "/proc/self/fd", 1) == 0);
    if (zone_open(name, &zone, &error)) {
        REQUIRE(strcmp(zone_name(zone), name) == 0);
        check_zone(zone);
    } else {
        REQUIRE(error.code == ERROR_CONFIGURATION && strstr(error.message, name));
    }
    zone_close(zone);
    REQUIRE(close(descriptor) == 0);
    return 0;
}
