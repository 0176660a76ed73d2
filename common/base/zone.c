/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/spelling.h"
#include "base/zone_rule.h"

#define FILE_BYTES_MAX 65536 /* real ones have a few thousand */
#define NAME_BYTES_MAX 255
#define MEANT_BYTES_MAX 600 /* a name with the nearest of each part, which may be longer */
#define HEADER_BYTES 44
/* The calendar, weekdays and all, repeats every 400 years, so changes are worked out for that long and a little more.
 */
#define CYCLE_S (INT64_C(146097) * SECONDS_PER_DAY)
#define RULE_YEARS 403
#define LAST_CHANGE_MAX_S INT64_C(253402300800) /* the year 10000: a file that goes on longer is none */

struct zone {
    char *name;
    bool is_cyclic; /* beyond the end, times are as 400 years before */
    int64_t end_s;  /* of what `changes` covers; INT64_MAX where nothing follows */
    size_t count;
    struct zone_change changes[]; /* ascending, offsets differ from one to the next; the first is at INT64_MIN */
};

/* The counts in the header of a data block, in the file's order. */
struct tzif_block {
    uint32_t ut_indicators, standard_indicators, leaps, times, types, characters;
};

/* --- the file --- */

static uint64_t big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

/* Reads the header at the front of `rest` and steps over it; false where there is none of a version that serves. */
static bool take_header(struct text *rest, struct tzif_block *ret_block)
{
    const unsigned char *bytes = (const unsigned char *)rest->data;
    if (rest->length < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2') {
        return false;
    }
    uint32_t counts[6];
    for (size_t i = 0; i < 6; i++) {
        counts[i] = (uint32_t)big_endian(bytes + 20 + 4 * i, 4);
        if (counts[i] > FILE_BYTES_MAX) {
            return false;
        }
    }
    *ret_block = (struct tzif_block){counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    rest->data += HEADER_BYTES;
    rest->length -= HEADER_BYTES;
    return true;
}

static size_t block_size(const struct tzif_block *block, size_t time_size)
{
    return block->times * (time_size + 1) + block->types * 6u + block->characters + block->leaps * (time_size + 4) +
           block->standard_indicators + block->ut_indicators;
}

static int32_t type_offset(const unsigned char *types, size_t type)
{
    return (int32_t)(uint32_t)big_endian(types + 6 * type, 4);
}

/* A change that doesn't change the offset (only the abbreviation) is left out, and of two at once the later holds. */
static void add_change(struct zone *zone, int64_t at_s, int32_t offset_s)
{
    if (zone->count > 1 && zone->changes[zone->count - 1].at_s == at_s) {
        zone->count--;
    }
    if (zone->changes[zone->count - 1].offset_s != offset_s) {
        zone->changes[zone->count++] = (struct zone_change){at_s, offset_s};
    }
}

/* The changes of the second data block, whose times have 64 bits. */
static bool add_block(struct zone *zone, const unsigned char *data, const struct tzif_block *block)
{
    const unsigned char *indexes = data + 8 * (size_t)block->times;
    const unsigned char *types = indexes + block->times;
    for (size_t i = 0; i < block->types; i++) {
        int32_t offset_s = type_offset(types, i);
        if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S) {
            return false;
        }
    }
    zone->changes[zone->count++] = (struct zone_change){INT64_MIN, type_offset(types, 0)};
    int64_t previous_s = INT64_MIN;
    for (size_t i = 0; i < block->times; i++) {
        int64_t at_s = (int64_t)big_endian(data + 8 * i, 8);
        if (indexes[i] >= block->types || (i > 0 && at_s <= previous_s)) {
            return false;
        }
        previous_s = at_s;
        add_change(zone, at_s, type_offset(types, indexes[i]));
    }
    return true;
}

/* What the footer says about the time after the last change of the file; about all time where the file has none. */
static void add_rule(struct zone *zone, const struct zone_rule *rule, int64_t last_s)
{
    if (!rule->has_daylight) {
        if (last_s == INT64_MIN) {
            zone->changes[0].offset_s = rule->standard_s;
        }
        return;
    }
    int year, month, day;
    int64_t first_s = last_s == INT64_MIN ? days_from_civil(1600, 1, 1) * SECONDS_PER_DAY : last_s;
    civil_from_days(floor_divide(first_s, SECONDS_PER_DAY), &year, &month, &day);
    for (int i = 0; i < RULE_YEARS; i++) {
        struct zone_change changes[2];
        zone_rule_changes(rule, year + i, changes);
        for (size_t j = 0; j < 2; j++) {
            if (changes[j].at_s > last_s) {
                add_change(zone, changes[j].at_s, changes[j].offset_s);
            }
        }
    }
    zone->is_cyclic = true;
    zone->end_s = days_from_civil(year + RULE_YEARS - 1, 1, 1) * SECONDS_PER_DAY;
}

/* The footer is a rule between two line feeds; an empty one says nothing. */
static bool add_footer(struct zone *zone, struct text footer, int64_t last_s)
{
    if (footer.length < 2 || footer.data[0] != '\n') {
        return false;
    }
    struct text line = {footer.data + 1, footer.length - 1};
    const char *end = memchr(line.data, '\n', line.length);
    if (!end) {
        return false;
    }
    line.length = (size_t)(end - line.data);
    struct zone_rule rule;
    if (line.length == 0) {
        return true;
    }
    if (!zone_rule_parse(line, &rule)) {
        return false;
    }
    add_rule(zone, &rule, last_s);
    return true;
}

static bool fill_zone(struct zone *zone, struct text data, const struct tzif_block *block)
{
    const unsigned char *bytes = (const unsigned char *)data.data;
    size_t size = block_size(block, 8);
    int64_t last_s = block->times > 0 ? (int64_t)big_endian(bytes + 8 * (size_t)(block->times - 1), 8) : INT64_MIN;
    return last_s < LAST_CHANGE_MAX_S && add_block(zone, bytes, block) &&
           add_footer(zone, (struct text){data.data + size, data.length - size}, last_s);
}

static bool parse_file(const char *name, struct text file, struct zone **ret_zone, struct error *error)
{
    struct text rest = file;
    struct tzif_block block;
    bool good = take_header(&rest, &block) && block_size(&block, 4) <= rest.length;
    if (good) {
        rest.data += block_size(&block, 4);
        rest.length -= block_size(&block, 4);
        good = take_header(&rest, &block) && block_size(&block, 8) <= rest.length && block.types > 0;
    }
    if (!good) {
        return error_set(error, ERROR_CONFIGURATION, "time zone \"%s\": not a TZif file of version 2 or later", name);
    }
    if (block.leaps > 0) {
        return error_set(error, ERROR_CONFIGURATION, "time zone \"%s\" counts leap seconds, which UTC here doesn't",
                         name);
    }
    size_t capacity = 1 + block.times + 2 * (size_t)RULE_YEARS;
    struct zone *zone = calloc(1, sizeof *zone + capacity * sizeof zone->changes[0]);
    if (!zone || !(zone->name = strdup(name))) {
        free(zone);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    zone->end_s = INT64_MAX;
    if (!fill_zone(zone, rest, &block)) {
        zone_close(zone);
        return error_set(error, ERROR_CONFIGURATION, "time zone \"%s\": the TZif file is damaged", name);
    }
    *ret_zone = zone;
    return true;
}

/* --- opening --- */

static bool name_is_safe(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAME_BYTES_MAX && name[0] != '/' && !strstr(name, "..") &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/.") == length;
}

static const char *zone_folder(void)
{
    const char *folder = getenv("TZDIR");
    return folder && *folder ? folder : "/usr/share/zoneinfo";
}

/* Files of other kinds, and folders with copies of all zones, begin with small letters. */
static int may_be_zone(const struct dirent *entry)
{
    return entry->d_name[0] >= 'A' && entry->d_name[0] <= 'Z';
}

/* Puts what is called most like `part`, in the folder that `meant` names, behind `meant`. Returns 0, or ENOENT where
 * nothing is near, or ENOMEM. */
static int append_nearest(char meant[MEANT_BYTES_MAX], const char *part)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", zone_folder(), meant);
    struct dirent **entries = NULL;
    errno = 0;
    int count = scandir(path, &entries, may_be_zone, alphasort);
    if (count < 0) {
        return errno == ENOMEM ? ENOMEM : ENOENT;
    }
    const char **names = calloc((size_t)count + 1, sizeof *names);
    for (int i = 0; names && i < count; i++) {
        names[i] = entries[i]->d_name;
    }
    const char *near = names ? nearest_word(part, names, (size_t)count) : NULL;
    int failure = !names ? ENOMEM : near ? 0 : ENOENT;
    size_t length = strlen(meant), capacity = MEANT_BYTES_MAX - length;
    if (near && (size_t)snprintf(meant + length, capacity, "%s%s", length > 0 ? "/" : "", near) >= capacity) {
        failure = ENOENT;
    }
    free(names);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return failure;
}

/* The zone that was probably meant: each part of the name is what is nearest to it in its folder. Returns as
 * append_nearest. */
static int find_meant(const char *name, char meant[MEANT_BYTES_MAX])
{
    char parts[NAME_BYTES_MAX + 1], *rest = NULL;
    (void)snprintf(parts, sizeof parts, "%s", name);
    meant[0] = '\0';
    int failure = ENOENT;
    for (char *part = strtok_r(parts, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
        failure = append_nearest(meant, part);
        if (failure) {
            return failure;
        }
    }
    char path[4096];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%s", zone_folder(), meant);
    bool is_zone = !failure && stat(path, &status) == 0 && S_ISREG(status.st_mode);
    return is_zone ? 0 : ENOENT;
}

/* Sets the error for a zone that isn't there. */
static bool no_such_zone(const char *name, struct error *error)
{
    char meant[MEANT_BYTES_MAX];
    int failure = find_meant(name, meant);
    if (failure == ENOMEM) {
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    return failure
               ? error_set(error, ERROR_CONFIGURATION, "unknown time zone \"%s\"", name)
               : error_set(error, ERROR_CONFIGURATION, "unknown time zone \"%s\"; did you mean \"%s\"?", name, meant);
}

static bool could_not_open(const char *name, int failure, struct error *error)
{
    if (failure == ENOENT || failure == ENOTDIR) {
        return no_such_zone(name, error);
    }
    return failure == ENOMEM ? error_set(error, ERROR_INTERNAL, "out of memory")
                             : error_set(error, ERROR_CONFIGURATION, "time zone \"%s\": %s", name, strerror(failure));
}

bool zone_open(const char *name, struct zone **ret_zone, struct error *error)
{
    if (!name_is_safe(name)) {
        return error_set(error, ERROR_CONFIGURATION, "\"%s\" isn't the name of a time zone", name);
    }
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", zone_folder(), name);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "rbe") : NULL;
    if (!file) {
        return could_not_open(name, errno, error);
    }
    char *data = malloc(FILE_BYTES_MAX);
    size_t size = data ? fread(data, 1, FILE_BYTES_MAX, file) : 0;
    bool readable = !ferror(file);
    (void)fclose(file);
    bool good;
    if (!data) {
        good = error_set(error, ERROR_INTERNAL, "out of memory");
    } else if (!readable) { /* a folder, such as "Europe" */
        good = no_such_zone(name, error);
    } else {
        good = parse_file(name, (struct text){data, size}, ret_zone, error);
    }
    free(data);
    return good;
}

void zone_close(struct zone *zone)
{
    if (zone) {
        free(zone->name);
        free(zone);
    }
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

/* --- asking --- */

/* The number of the last change at or before `at_s`. */
static size_t change_at(const struct zone *zone, int64_t at_s)
{
    size_t low = 0, high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= at_s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

struct zone_span zone_span(const struct zone *zone, int64_t at_s)
{
    int64_t shift_s = 0;
    if (zone->is_cyclic && at_s >= zone->end_s) {
        shift_s = ((at_s - zone->end_s) / CYCLE_S + 1) * CYCLE_S;
    }
    size_t number = change_at(zone, at_s - shift_s);
    struct zone_span span = {
        .from_s = zone->changes[number].at_s, .to_s = INT64_MAX, .offset_s = zone->changes[number].offset_s};
    span.from_s += span.from_s == INT64_MIN ? 0 : shift_s;
    if (number + 1 < zone->count && zone->changes[number + 1].at_s <= INT64_MAX - shift_s) {
        span.to_s = zone->changes[number + 1].at_s + shift_s;
    }
    return span;
}

int32_t zone_offset(const struct zone *zone, int64_t at_s)
{
    return zone_span(zone, at_s).offset_s;
}

/* The clock can't show `local_s` before the first span looked at, and in every span it shows each time once. */
int64_t zone_instant(const struct zone *zone, int64_t local_s)
{
    struct zone_span span = zone_span(zone, local_s - OFFSET_MAX_S - 1);
    for (;;) {
        int64_t instant_s = local_s - span.offset_s;
        if (instant_s < span.from_s) {
            instant_s = span.from_s; /* the clock jumped over it */
        }
        if (instant_s < span.to_s) {
            return instant_s;
        }
        span = zone_span(zone, span.to_s);
    }
}

/* As many digits as there are. */
static void append_fraction(struct buffer *buffer, int us)
{
    char digits[8];
    int length = us ? snprintf(digits, sizeof digits, ".%06d", us) : 0;
    while (length > 0 && digits[length - 1] == '0')
        length--;
    buffer_append(buffer, digits, (size_t)length);
}

void buffer_append_local_time(struct buffer *buffer, const struct zone *zone, int64_t at_us)
{
    int64_t at_s = floor_divide(at_us, US_PER_SECOND);
    /* RFC 3339 has no seconds in an offset; times before 1972 with such a local mean time are shown by the minute. */
    int32_t offset_s = zone_offset(zone, at_s) / 60 * 60;
    int64_t local_s = at_s + offset_s;
    int64_t days = floor_divide(local_s, SECONDS_PER_DAY);
    int second = (int)(local_s - days * SECONDS_PER_DAY);
    int east = offset_s < 0 ? -offset_s : offset_s;
    buffer_append_date_time(buffer, days, second);
    append_fraction(buffer, (int)(at_us - at_s * US_PER_SECOND));
    buffer_append_char(buffer, offset_s < 0 ? '-' : '+');
    buffer_append_padded(buffer, east / 3600, 2);
    buffer_append_char(buffer, ':');
    buffer_append_padded(buffer, east / 60 % 60, 2);
}
