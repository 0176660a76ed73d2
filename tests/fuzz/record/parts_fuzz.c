/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a decimal, an integer or a time, alone, where nothing of a message around them is in the way: as
 * independent rules say. The first byte chooses which. */
#include "base/wide.h"
#include "base/zone.h"
#include "fuzz.h"
#include "order_rules.h"
#include "record/json_number.h"
#include "record/record.h"

static void try_decimal(struct text text, unsigned scale)
{
    int64_t minor, expected;
    bool good = decimal_parse(text, scale, &minor);
    REQUIRE(rules_decimal(text.data, text.length, scale, &expected) == good);
    if (!good)
        return;
    REQUIRE(minor == expected);
    struct buffer printed = {0};
    buffer_append_decimal(&printed, minor, scale);
    REQUIRE(decimal_parse(buffer_text(&printed), scale, &minor) && minor == expected);
    buffer_clean_up(&printed);
}

static void try_integer(struct text text)
{
    struct json_number number;
    int64_t integer, expected;
    bool good = json_number_parse(text, &number) && json_number_to_integer(&number, &integer);
    REQUIRE(rules_integer(text.data, text.length, &expected) == good);
    REQUIRE(!good || integer == expected);
    if (!integer_parse(text, &integer))
        return;
    struct buffer printed = {0};
    buffer_append_integer(&printed, integer);
    REQUIRE(rules_integer(printed.data, printed.length, &expected) && integer == expected);
    buffer_clean_up(&printed);
}

static void try_time(struct text text, const struct zone *zone)
{
    int64_t us, expected;
    bool good = event_time_parse(text, &us);
    REQUIRE(rules_time(text.data, text.length, &expected) == good);
    if (!good)
        return;
    REQUIRE(us == expected);
    struct buffer printed = {0};
    buffer_append_local_time(&printed, zone, us);
    REQUIRE(rules_time(printed.data, printed.length, &expected) && expected == us);
    buffer_clean_up(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone *zone;
    REQUIRE(zone || zone_open("Asia/Kathmandu", &zone, NULL));
    if (size == 0)
        return 0;
    struct text text = {(const char *)data + 1, size - 1};
    unsigned which = data[0] % 8U;
    if (which < 4)
        try_decimal(text, which);
    else if (which == 4)
        try_integer(text);
    else
        try_time(text, zone);
    return 0;
}
