/* SPDX-License-Identifier: Apache-2.0 */
#include "http/preference.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define BLANKS " \t"
#define DIGITS "0123456789"

static struct text trimmed(const char *from, const char *to)
{
    from += strspn(from, BLANKS);
    while (to > from && strchr(BLANKS, to[-1]))
        to--;
    return (struct text){from, to > from ? (size_t)(to - from) : 0};
}

static bool is_name(struct text text, const char *name, size_t length)
{
    return text.length == length && strncasecmp(text.data, name, length) == 0;
}

/* How exactly an entry means the name: 0 where it doesn't. */
static int exactness(struct text entry, const char *name)
{
    const char *slash = strchr(name, '/');
    size_t kind = slash ? (size_t)(slash - name) : 0;
    if (is_name(entry, name, strlen(name)))
        return 3;
    if (slash && entry.length == kind + 2 && strncasecmp(entry.data, name, kind + 1) == 0 &&
        entry.data[kind + 1] == '*')
        return 2;
    return is_name(entry, slash ? "*/*" : "*", slash ? 3 : 1);
}

/* "0.25" as 250, and ".25" too, as HttpURLConnection of Java writes it; false where it is no weight. */
static bool weight_parse(struct text text, int *ret_weight)
{
    size_t whole = text.length > 0 && text.data[0] != '.';
    if (text.length < 2 - whole || text.length > whole + 4 || (whole && text.data[0] != '0' && text.data[0] != '1') ||
        (text.length > whole && text.data[whole] != '.'))
        return false;
    int weight = whole ? (text.data[0] - '0') * WEIGHT_MAX : 0, digit_is_worth = WEIGHT_MAX / 10;
    for (size_t i = whole + 1; i < text.length; i++, digit_is_worth /= 10) {
        if (!strchr(DIGITS, text.data[i]))
            return false;
        weight += (text.data[i] - '0') * digit_is_worth;
    }
    *ret_weight = weight;
    return weight <= WEIGHT_MAX;
}

/* The weight among the parameters from `at` to `end`. */
static bool take_weight(const char *at, const char *end, int *ret_weight)
{
    *ret_weight = WEIGHT_MAX;
    while (at < end) {
        const char *semicolon = memchr(at + 1, ';', (size_t)(end - at - 1)), *next = semicolon ? semicolon : end;
        struct text parameter = trimmed(at + 1, next);
        if (parameter.length > 1 && strncasecmp(parameter.data, "q=", 2) == 0)
            return weight_parse((struct text){parameter.data + 2, parameter.length - 2}, ret_weight);
        at = next;
    }
    return true;
}

int preference_weight(const char *list, const char *name)
{
    int best = 0, weight = 0;
    while (*list) {
        size_t length = strcspn(list, ",");
        const char *end = list + length, *semicolon = memchr(list, ';', length);
        int entry_weight, exact = exactness(trimmed(list, semicolon ? semicolon : end), name);
        if (exact > best && take_weight(semicolon ? semicolon : end, end, &entry_weight)) {
            best = exact;
            weight = entry_weight;
        }
        list = *end ? end + 1 : end;
    }
    return weight;
}
