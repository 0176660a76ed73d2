/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detector_position.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/wide.h"

static void format_time(int64_t time_us, bool is_known, char text[24])
{
    if (is_known)
        snprintf(text, 24, "%" PRId64, time_us);
    else
        snprintf(text, 24, "-");
}

void detector_position_format(const struct detector_position *position, char ret_metadata[DETECTOR_METADATA_SIZE])
{
    char clock[24], time[24];
    format_time(position->floor.clock_before_us, position->floor.clock_before_us != CLOCK_NONE, clock);
    format_time(position->record_time_us, position->record_time_us >= 0, time);
    snprintf(ret_metadata, DETECTOR_METADATA_SIZE, "1 floor=%" PRId64 " clock=%s time=%s rules=%s gap=%" PRId64,
             position->floor.offset, clock, time, position->fingerprint, position->gap);
}

/* The value behind `name` at the beginning of *rest, which moves behind it. */
static bool take_word(struct text *rest, const char *name, struct text *ret_value)
{
    size_t length = strlen(name);
    if (rest->length < length || memcmp(rest->data, name, length) != 0)
        return false;
    const char *begin = rest->data + length, *end = rest->data + rest->length;
    const char *blank = memchr(begin, ' ', (size_t)(end - begin));
    *ret_value = (struct text){begin, (size_t)((blank ? blank : end) - begin)};
    *rest = blank ? (struct text){blank + 1, (size_t)(end - blank - 1)} : (struct text){end, 0};
    return true;
}

static bool take_number(struct text *rest, const char *name, int64_t none, int64_t *ret_number)
{
    struct text value;
    if (!take_word(rest, name, &value))
        return false;
    if (text_equal(value, text_of("-"))) {
        *ret_number = none;
        return true;
    }
    return integer_parse(value, ret_number);
}

bool detector_position_parse(struct text metadata, struct detector_position *position)
{
    struct detector_position parsed = {.offset = position->offset};
    struct text version, rules;
    if (!take_word(&metadata, "", &version) || !text_equal(version, text_of("1")) ||
        !take_number(&metadata, "floor=", -1, &parsed.floor.offset) || parsed.floor.offset < 0 ||
        !take_number(&metadata, "clock=", CLOCK_NONE, &parsed.floor.clock_before_us) ||
        !take_number(&metadata, "time=", -1, &parsed.record_time_us) || !take_word(&metadata, "rules=", &rules) ||
        rules.length >= FINGERPRINT_SIZE)
        return false;
    if (metadata.length > 0 && (!take_number(&metadata, "gap=", -1, &parsed.gap) || parsed.gap < 0))
        return false; /* versions before this one wrote none */
    memcpy(parsed.fingerprint, rules.data, rules.length);
    *position = parsed;
    return true;
}
