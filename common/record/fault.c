/* SPDX-License-Identifier: Apache-2.0 */
#include "record/fault.h"

#include "record/decimal.h"
#include "record/event_time.h"
#include "record/json_number.h"

#define MAGIC_BYTES 5 /* of a schema registry: a zero byte, and the schema's number in four */

/* --- the message as a whole --- */

static bool begins_with(struct text text, const char *bytes, size_t count)
{
    return text.length >= count && memcmp(text.data, bytes, count) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *fault_of_beginning(struct text payload, const char *reason)
{
    size_t at = 0;
    while (at < payload.length && is_blank(payload.data[at]))
        at++;
    char first = at < payload.length ? payload.data[at] : '\0';
    return first == '[' ? "a list, not an object" : first == '"' ? "a string, not an object" : reason;
}

/* What reads strings to their NUL writes it too. */
static bool ends_with_nul(struct text payload)
{
    size_t length = payload.length;
    while (length > 0 && payload.data[length - 1] == '\0')
        length--;
    bool has_nul = length < payload.length;
    while (length > 0 && is_blank(payload.data[length - 1]))
        length--;
    return has_nul && length > 0 && payload.data[length - 1] == '}';
}

const char *fault_of_payload(struct text payload, const char *reason)
{
    if (begins_with(payload, "\xEF\xBB\xBF", 3))
        return "begins with a byte order mark";
    if (begins_with(payload, "\xFE\xFF", 2) || begins_with(payload, "\xFF\xFE", 2))
        return "UTF-16, not UTF-8";
    if (payload.length > MAGIC_BYTES && payload.data[0] == '\0' && payload.data[1] != '{')
        return "begins with the five bytes of a schema registry";
    if (ends_with_nul(payload))
        return "a NUL behind the object";
    return strcmp(reason, "not an object") == 0 ? fault_of_beginning(payload, reason) : reason;
}

/* --- types --- */

enum found { FOUND_NULL, FOUND_STRING, FOUND_NUMBER, FOUND_BOOLEAN, FOUND_LIST, FOUND_OBJECT, FOUND_GARBAGE };

#define NOT(wanted)                                                                                                    \
    {                                                                                                                  \
        [FOUND_NULL] = "null", [FOUND_STRING] = "a string, not " wanted, [FOUND_NUMBER] = "a number, not " wanted,     \
        [FOUND_BOOLEAN] = "true or false, not " wanted, [FOUND_LIST] = "a list, not " wanted,                          \
        [FOUND_OBJECT] = "an object, not " wanted, [FOUND_GARBAGE] = "not JSON"                                        \
    }

static enum found found_in(const struct json_token *token)
{
    struct json_number number;
    if (token->type == JSON_STRING)
        return FOUND_STRING;
    if (token->text.data[0] == '[' || token->text.data[0] == '{')
        return token->text.data[0] == '[' ? FOUND_LIST : FOUND_OBJECT;
    if (text_equal(token->text, text_of("null")))
        return FOUND_NULL;
    if (text_equal(token->text, text_of("true")) || text_equal(token->text, text_of("false")))
        return FOUND_BOOLEAN;
    return json_number_parse(token->text, &number) ? FOUND_NUMBER : FOUND_GARBAGE;
}

static bool is_number_in_quotes(const struct json_token *token)
{
    struct json_number number;
    return token->type == JSON_STRING && json_number_parse(token->text, &number);
}

const char *fault_of_text(const struct json_token *token)
{
    static const char *const faults[] = NOT("a string");
    return faults[found_in(token)];
}

static const char *fault_of_integer_number(const struct json_number *number)
{
    return number->fraction.length > 0 || number->has_exponent ? "a fraction or an exponent, not an integer"
                                                               : "an integer beyond 64 bits";
}

const char *fault_of_integer(const struct json_token *token)
{
    static const char *const faults[] = NOT("an integer");
    struct json_number number;
    if (is_number_in_quotes(token))
        return "a number in quotes";
    if (found_in(token) == FOUND_NUMBER && json_number_parse(token->text, &number))
        return fault_of_integer_number(&number);
    return faults[found_in(token)];
}

const char *fault_of_decimal(const struct json_token *token, unsigned scale)
{
    static const char *const faults[] = NOT("a number");
    static const char *const too_fine[DECIMAL_SCALE_MAX + 1] = {
        "digits behind the point, and none are declared", "more than 1 digit behind the point",
        "more than 2 digits behind the point", "more than 3 digits behind the point"};
    struct json_number number;
    if (is_number_in_quotes(token))
        return "a number in quotes";
    if (found_in(token) == FOUND_NUMBER && json_number_parse(token->text, &number))
        return decimal_is_too_fine(&number, scale) ? too_fine[scale] : "10^15 or more";
    return faults[found_in(token)];
}

/* --- event times --- */

enum found_unit { FOUND_SECONDS, FOUND_MILLISECONDS, FOUND_MICROSECONDS, FOUND_NANOSECONDS, FOUND_NO_UNIT };

/* The only unit in which a number is a time from 2000 until 2100: the ranges lie far apart. */
static enum found_unit unit_of(int64_t integer)
{
    static const enum time_unit units[] = {TIME_SECONDS, TIME_MILLISECONDS, TIME_MICROSECONDS};
    int64_t at_us;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (event_time_from_number(integer, units[i], &at_us))
            return (enum found_unit)i;
    return event_time_from_number(integer / 1000, TIME_MICROSECONDS, &at_us) ? FOUND_NANOSECONDS : FOUND_NO_UNIT;
}

#define OF_UNITS(declared)                                                                                             \
    {                                                                                                                  \
        "a time in seconds, not " declared, "a time in milliseconds, not " declared,                                   \
            "a time in microseconds, not " declared, "a time in nanoseconds, not " declared, NULL                      \
    }

static const char *fault_of_time_number(struct text text, enum time_unit unit)
{
    static const char *const faults[][FOUND_NO_UNIT + 1] = {[TIME_RFC3339] = OF_UNITS("an RFC 3339 text"),
                                                            [TIME_SECONDS] = OF_UNITS("in seconds"),
                                                            [TIME_MILLISECONDS] = OF_UNITS("in milliseconds"),
                                                            [TIME_MICROSECONDS] = OF_UNITS("in microseconds")};
    struct json_number number;
    int64_t integer;
    bool is_integer = json_number_parse(text, &number) && json_number_to_integer(&number, &integer);
    const char *fault = is_integer ? faults[unit][unit_of(integer)] : NULL;
    if (fault)
        return fault;
    if (unit == TIME_RFC3339)
        return "a number, not an RFC 3339 time";
    return number.fraction.length > 0 || number.has_exponent ? fault_of_integer_number(&number)
                                                             : "a time before 2000 or after 2099";
}

static const char *fault_of_time_text(struct text text, enum time_unit unit)
{
    int64_t ignored;
    if (unit != TIME_RFC3339)
        return event_time_parse(text, &ignored) ? "an RFC 3339 time, not a number" : "a string, not a number";
    if (event_time_is_outside(text))
        return "a time before 2000 or after 2099";
    if (rfc3339_date_parse(text, &ignored))
        return "a date without a time of day";
    return "not spelled as an RFC 3339 time, such as 2026-01-31T12:00:00Z";
}

const char *fault_of_event_time(const struct json_token *token, enum time_unit unit)
{
    static const char *const texts[] = NOT("an RFC 3339 time"), *const numbers[] = NOT("a number");
    enum found found = found_in(token);
    if (is_number_in_quotes(token))
        return "a number in quotes";
    if (found == FOUND_NUMBER)
        return fault_of_time_number(token->text, unit);
    if (found == FOUND_STRING)
        return fault_of_time_text(token->text, unit);
    return unit == TIME_RFC3339 ? texts[found] : numbers[found];
}
