/* SPDX-License-Identifier: Apache-2.0 */
#include "config/quantity.h"

#include "base/spelling.h"
#include "base/wide.h"

/* "ms" is near to too much, "min" for one, and "seconds" to "milliseconds". */
#define SHORTEST_SUGGESTED 3
#define LONGEST_MISSPELT 8
#define NAMES_MAX 24

/* Of units that are alike the last is printed. */
const struct unit duration_units[] = {
    {"ms", "ms", 1000},
    {"s", "s", 1000000},
    {"second", "seconds", 1000000},
    {"minute", "minutes", INT64_C(60) * 1000000},
    {"hour", "hours", INT64_C(3600) * 1000000},
    {"day", "days", INT64_C(86400) * 1000000},
    {NULL, NULL, 0},
};

const struct unit size_units[] = {
    {"byte", "bytes", 1},
    {"B", "B", 1},
    {"KiB", "KiB", INT64_C(1) << 10},
    {"MiB", "MiB", INT64_C(1) << 20},
    {"GiB", "GiB", INT64_C(1) << 30},
    {"TiB", "TiB", INT64_C(1) << 40},
    {NULL, NULL, 0},
};

static const struct unit *find_unit(struct text name, const struct unit units[])
{
    for (; units->singular; units++)
        if (text_equal(name, text_of(units->singular)) || text_equal(name, text_of(units->plural)))
            return units;
    return NULL;
}

static size_t count_digits(struct text text)
{
    size_t digits = 0;
    while (digits < text.length && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    return digits;
}

/* What stands behind the number and the blanks. */
static struct text unit_of(struct text text)
{
    size_t begin = count_digits(text);
    while (begin < text.length && text.data[begin] == ' ')
        begin++;
    return (struct text){text.data + begin, text.length - begin};
}

bool quantity_parse(struct text text, const struct unit units[], int64_t *ret_value, const char **ret_reason)
{
    size_t digits = count_digits(text);
    struct text name = unit_of(text);
    int64_t number, value = 0;
    const char *reason = NULL;
    const struct unit *unit = find_unit(name, units);
    if (digits == 0)
        reason = "it begins with no number";
    else if (name.length == 0)
        reason = "the unit is missing";
    else if (name.data[0] == '.' || name.data[0] == ',')
        reason = "the number must be whole";
    else if (!unit)
        reason = "the unit is unknown";
    else if (!integer_parse((struct text){text.data, digits}, &number) ||
             __builtin_mul_overflow(number, unit->factor, &value))
        reason = "the number is too large";
    if (reason)
        *ret_reason = reason;
    else
        *ret_value = value;
    return reason == NULL;
}

const char *quantity_meant_unit(struct text text, const struct unit units[])
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    char word[LONGEST_MISSPELT + 1];
    struct text unit = unit_of(text);
    if (unit.length < SHORTEST_SUGGESTED - 1 || unit.length > LONGEST_MISSPELT)
        return NULL;
    if (unit.data[0] < 'A' || find_unit(unit, units)) /* the number is what is wrong */
        return NULL;
    memcpy(word, unit.data, unit.length);
    word[unit.length] = '\0';
    for (; units->singular && count + 1 < NAMES_MAX; units++) {
        if (strlen(units->singular) < SHORTEST_SUGGESTED)
            continue;
        names[count++] = units->singular;
        names[count++] = units->plural;
    }
    return nearest_word(word, names, count);
}

void buffer_append_quantity(struct buffer *out, int64_t value, const struct unit units[])
{
    const struct unit *best = units;
    for (const struct unit *unit = units; unit->singular && value != 0; unit++)
        if (value % unit->factor == 0)
            best = unit;
    int64_t number = value / best->factor;
    buffer_appendf(out, "%lld %s", (long long)number, number == 1 ? best->singular : best->plural);
}
