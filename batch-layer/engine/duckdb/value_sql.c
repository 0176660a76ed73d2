/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/value_sql.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

#define FIRST_S INT64_C(946684800)            /* 2000 */
#define END_S INT64_C(4102444800)             /* 2100 */
#define DECIMAL_END INT64_C(1000000000000000) /* 10^DECIMAL_DIGITS */
#define RFC3339                                                                                                        \
    "'\\d{4}-\\d\\d-\\d\\d[Tt ]([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)?'"

void value_sql_clean_up(struct value_sql *sql)
{
    buffer_clean_up(&sql->value);
    buffer_clean_up(&sql->reasons);
}

void value_sql_append_type(struct buffer *sql, const struct field *field)
{
    if (field->type == FIELD_DECIMAL)
        buffer_appendf(sql, "DECIMAL(%u, %u)", DECIMAL_DIGITS + field->scale, field->scale);
    else
        buffer_append_string(sql, field->type == FIELD_TEXT ? "VARCHAR" : "BIGINT");
}

void value_sql_append_minor_units(struct buffer *sql, const struct field *field)
{
    static const char *const units[] = {"", " * 0.1::DECIMAL(1, 1)", " * 0.01::DECIMAL(2, 2)",
                                        " * 0.001::DECIMAL(3, 3)"};
    buffer_append_char(sql, '(');
    duckdb_append_identifier(sql, field->name);
    buffer_appendf(sql, "::DECIMAL(18, 0)%s)::", units[field->scale]);
    value_sql_append_type(sql, field);
    buffer_append_string(sql, " AS ");
    duckdb_append_identifier(sql, field->name);
}

/* Puts `column` for each '@' and `value` for each '#' of the pattern, and the rest as it stands. */
static void append_pattern(struct buffer *out, const char *pattern, const char *column, const char *value)
{
    for (; *pattern; pattern++) {
        if (*pattern == '@')
            buffer_append_string(out, column);
        else if (*pattern == '#')
            buffer_append_string(out, value);
        else
            buffer_append_char(out, *pattern);
    }
}

/* A reason to be bad: the condition in terms of '@', the column, and '#', the value. */
static void add_reason(struct value_sql *sql, const char *name, const char *condition, const char *column,
                       const char *reason)
{
    struct buffer whole = {0};
    buffer_appendf(&whole, "%s: %s", name, reason);
    buffer_append_string(&sql->reasons, " WHEN ");
    append_pattern(&sql->reasons, condition, column, buffer_string(&sql->value));
    buffer_append_string(&sql->reasons, " THEN ");
    duckdb_append_text(&sql->reasons, buffer_text(&whole));
    sql->reasons.failed |= whole.failed;
    buffer_clean_up(&whole);
}

static bool set_text(struct value_sql *sql, const struct field *field, const struct file_column *column,
                     const char *quoted, enum value_need need)
{
    if (column->kind == COLUMN_TEXT)
        buffer_append_string(&sql->value, quoted);
    else if (column->kind == COLUMN_DATE)
        append_pattern(&sql->value, "@::VARCHAR", quoted, "");
    else if (column->kind == COLUMN_TIME)
        append_pattern(&sql->value, "replace(make_timestamp(epoch_us(@))::VARCHAR, ' ', 'T') || 'Z'", quoted, "");
    else
        return false;
    if (need == VALUE_IS_KEY) {
        add_reason(sql, field->name, "# = ''", quoted, "an empty key");
        add_reason(sql, field->name, "strlen(#) > 256", quoted, "longer than 256 bytes");
    }
    if (column->kind == COLUMN_TEXT)
        add_reason(sql, field->name, "contains(#, chr(0))", quoted, "a NUL character in a text");
    return true;
}

bool value_sql_is_bounded(const struct file_column *column)
{
    if (column->kind == COLUMN_TIME)
        return column->has_range && column->least >= FIRST_S * US_PER_SECOND && column->most < END_S * US_PER_SECOND;
    return column->has_range && column->least > -DECIMAL_END && column->most < DECIMAL_END;
}

static void add_null(struct value_sql *sql, const char *name, const struct file_column *column, const char *quoted)
{
    if (!column->has_no_null)
        add_reason(sql, name, "@ IS NULL", quoted, "null");
}

/* A column whose numbers all have at most 64 bits needs no check, and isn't read for one. */
static bool always_fits(const struct file_column *column)
{
    return column->kind == COLUMN_INTEGER && strcmp(column->type, "UBIGINT") != 0 &&
           strcmp(column->type, "HUGEINT") != 0;
}

static bool set_integer(struct value_sql *sql, const struct field *field, const struct file_column *column,
                        const char *quoted)
{
    static const char fraction[] = "a fraction or an exponent, not an integer";
    append_pattern(&sql->value, "TRY_CAST(@ AS BIGINT)", quoted, "");
    if (column->kind == COLUMN_DECIMAL)
        add_reason(sql, field->name, "@ <> trunc(@)", quoted, fraction);
    else if (column->kind == COLUMN_DOUBLE)
        add_reason(sql, field->name, "isfinite(@) AND @ <> trunc(@)", quoted, fraction);
    else if (column->kind != COLUMN_INTEGER)
        return false;
    if (!always_fits(column))
        add_reason(sql, field->name, "@ IS NOT NULL AND # IS NULL", quoted, "an integer beyond 64 bits");
    return true;
}

/* The shortest digits that mean this double, which is what would stand in a message: where they are few enough, casting
 * them is exact, and else what comes out is another number. */
static void set_double(struct value_sql *sql, const struct field *field, const char *quoted, const char *fine)
{
    buffer_appendf(&sql->value, "TRY_CAST(%s::VARCHAR AS ", quoted);
    value_sql_append_type(&sql->value, field);
    buffer_append_char(&sql->value, ')');
    add_reason(sql, field->name, "NOT isfinite(@)", quoted, "not a number");
    add_reason(sql, field->name, "abs(@) >= 1e15", quoted, "10^15 or more");
    add_reason(sql, field->name, "@ IS NOT NULL AND #::VARCHAR::DOUBLE IS DISTINCT FROM @", quoted, fine);
}

static bool set_decimal(struct value_sql *sql, const struct field *field, const struct file_column *column,
                        const char *quoted)
{
    static const char *const too_fine[DECIMAL_SCALE_MAX + 1] = {
        "digits behind the point, and none are declared", "more than 1 digit behind the point",
        "more than 2 digits behind the point", "more than 3 digits behind the point"};
    if (column->kind == COLUMN_DOUBLE) {
        set_double(sql, field, quoted, too_fine[field->scale]);
        return true;
    }
    if (column->kind != COLUMN_DECIMAL && column->kind != COLUMN_INTEGER)
        return false;
    struct buffer finer = {0};
    buffer_appendf(&sql->value, "TRY_CAST(%s AS ", quoted);
    value_sql_append_type(&sql->value, field);
    buffer_append_char(&sql->value, ')');
    if (column->kind == COLUMN_DECIMAL && column->scale > field->scale) {
        buffer_appendf(&finer, "# IS NOT NULL AND TRY_CAST(# AS %s) IS DISTINCT FROM @", column->type);
        add_reason(sql, field->name, buffer_string(&finer), quoted, too_fine[field->scale]);
    }
    if (finer.length > 0 || !value_sql_is_bounded(column))
        add_reason(sql, field->name, "@ IS NOT NULL AND # IS NULL", quoted, "10^15 or more");
    sql->value.failed |= finer.failed;
    buffer_clean_up(&finer);
    return true;
}

static void append_quoted(struct buffer *out, const char *name)
{
    buffer_append_string(out, "f.");
    duckdb_append_identifier(out, name);
}

bool value_sql_field(struct value_sql *sql, const struct field *field, const struct file_column *column,
                     enum value_need need)
{
    struct buffer quoted = {0};
    append_quoted(&quoted, column->name);
    const char *name = buffer_string(&quoted);
    if (need != VALUE_MAY_BE_NULL)
        add_null(sql, field->name, column, name);
    bool can = field->type == FIELD_TEXT      ? set_text(sql, field, column, name, need)
               : field->type == FIELD_INTEGER ? set_integer(sql, field, column, name)
                                              : set_decimal(sql, field, column, name);
    sql->value.failed |= quoted.failed;
    buffer_clean_up(&quoted);
    return can;
}

/* Of text that has the form: microseconds, with finer digits cut. */
static void append_time_of_text(struct buffer *out, const char *column)
{
    append_pattern(out,
                   "CASE WHEN regexp_full_match(@, " RFC3339 ") THEN "
                   "epoch_us(TRY_CAST(replace(upper(substring(@, 1, 19)), 'T', ' ') AS TIMESTAMP))"
                   " + rpad(substring(regexp_extract(@, '\\.(\\d+)', 1), 1, 6), 6, '0')::BIGINT"
                   " - CASE WHEN regexp_matches(@, '[+-]\\d\\d:\\d\\d$') THEN "
                   "(substring(@, -5, 2)::BIGINT * 3600 + substring(@, -2, 2)::BIGINT * 60) * "
                   "CASE substring(@, -6, 1) WHEN '-' THEN -1000000 ELSE 1000000 END ELSE 0 END END",
                   column, "");
}

static void add_range(struct value_sql *sql, const char *name, const char *column)
{
    struct buffer outside = {0};
    buffer_appendf(&outside, "# < %" PRId64 " OR # >= %" PRId64, FIRST_S * US_PER_SECOND, END_S * US_PER_SECOND);
    add_reason(sql, name, buffer_string(&outside), column, "a time before 2000 or after 2099");
    sql->reasons.failed |= outside.failed;
    buffer_clean_up(&outside);
}

/* A number that isn't a time in this unit gives null. */
static void append_time_of_number(struct buffer *out, const char *column, enum time_unit unit)
{
    static const char *const factors[] = {
        [TIME_SECONDS] = "1000000", [TIME_MILLISECONDS] = "1000", [TIME_MICROSECONDS] = "1"};
    append_pattern(out, "TRY_CAST(@::HUGEINT * # AS BIGINT)", column, factors[unit]);
}

bool value_sql_event_time(struct value_sql *sql, const struct file_column *column, enum time_unit unit)
{
    struct buffer quoted = {0};
    append_quoted(&quoted, column->name);
    const char *name = buffer_string(&quoted);
    add_null(sql, column->name, column, name);
    bool can = true;
    if (column->kind == COLUMN_TIME || column->kind == COLUMN_DATE)
        append_pattern(&sql->value, column->kind == COLUMN_TIME ? "epoch_us(@)" : "epoch_us(TRY_CAST(@ AS TIMESTAMP))",
                       name, "");
    else if (column->kind == COLUMN_TEXT && unit == TIME_RFC3339)
        append_time_of_text(&sql->value, name);
    else if (column->kind == COLUMN_INTEGER && unit != TIME_RFC3339)
        append_time_of_number(&sql->value, name, unit);
    else
        can = false;
    bool is_known = column->kind == COLUMN_TIME && value_sql_is_bounded(column);
    if (column->kind == COLUMN_TEXT)
        add_reason(sql, column->name, "# IS NULL", name,
                   "not spelled as an RFC 3339 time, such as 2026-01-31T12:00:00Z");
    else if (!is_known)
        add_reason(sql, column->name, "# IS NULL", name, "a time before 2000 or after 2099");
    if (!is_known)
        add_range(sql, column->name, name);
    sql->value.failed |= quoted.failed;
    buffer_clean_up(&quoted);
    return can;
}
