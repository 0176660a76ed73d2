/* SPDX-License-Identifier: Apache-2.0 */
#include "config/statement.h"

#include <ctype.h>
#include <strings.h>

#define SHOWN_MAX 40

struct scan {
    struct sql_reader reader;
    struct sql_token before, token, after; /* of what is looked at, its neighbours */
    char *sql;
    struct statement_rules rules;
    bool has_day;
    int brackets; /* [ that aren't closed: in them a colon may stand between two numbers */
    size_t position;
};

static size_t position_of(const struct scan *scan, const struct sql_token *token)
{
    return (size_t)(token->text.data - scan->reader.text.data);
}

static bool refuse(struct scan *scan, const char *why, struct error *error)
{
    struct text shown = scan->token.text;
    scan->position = position_of(scan, &scan->token);
    return error_set(error, ERROR_CONFIGURATION, "%.*s: %s", (int)(shown.length < SHOWN_MAX ? shown.length : SHOWN_MAX),
                     shown.data, why);
}

/* Behind a name without a blank, as in "select:date", the dollar would go on with that name. */
static void put_parameter(struct scan *scan, char digit)
{
    const struct text *before = &scan->before.text, *token = &scan->token.text;
    char *at = scan->sql + position_of(scan, &scan->token);
    memset(at, ' ', token->length);
    if (scan->before.kind == SQL_WORD && before->data + before->length == token->data)
        at++;
    at[0] = '$';
    at[1] = digit;
    scan->has_day = true;
}

static bool is_among(const struct sql_token *token, const char *const words[],
                     bool matches(const struct sql_token *token, const char *word))
{
    for (size_t i = 0; words[i]; i++)
        if (matches(token, words[i]))
            return true;
    return false;
}

/* A string whose type is said: date '…', timestamp with time zone '…', time(0) '…', '…'::date, cast('…' as date). */
static bool is_typed(const struct scan *scan)
{
    static const char *const types[] = {"date", "timestamp", "timestamptz", "time", "timetz", "zone", NULL};
    bool is_cast = scan->after.kind == SQL_SYMBOL && text_equal(scan->after.text, text_of("::"));
    bool is_in_cast = sql_token_is_symbol(&scan->before, '(') && sql_token_is(&scan->after, "as");
    return is_cast || is_in_cast || is_among(&scan->before, types, sql_token_is) ||
           sql_token_is_symbol(&scan->before, ')');
}

/* 'now' and its like, where they are read as a time. */
static bool is_time_of_day(const struct scan *scan)
{
    static const char *const words[] = {"now", "today", "tomorrow", "yesterday", NULL};
    struct text text = scan->token.text;
    if (scan->token.kind != SQL_STRING || text.data[0] != '\'' || !is_typed(scan))
        return false;
    struct text inner = {text.data + 1, text.length - 2};
    for (; inner.length && isspace((unsigned char)inner.data[0]); inner.length--)
        inner.data++;
    while (inner.length && isspace((unsigned char)inner.data[inner.length - 1]))
        inner.length--;
    const struct sql_token word = {SQL_WORD, inner};
    return is_among(&word, words, sql_token_is);
}

/* age() of one time counts from today. */
static bool is_age_until_today(const struct scan *scan)
{
    struct sql_reader rest = scan->reader;
    struct sql_token token;
    rest.at = position_of(scan, &scan->after);
    int depth = 0;
    do {
        if (!sql_token_next(&rest, &token, NULL) || token.kind == SQL_END)
            return false;
        depth += sql_token_is_symbol(&token, '(') - sql_token_is_symbol(&token, ')');
        if (depth == 1 && sql_token_is_symbol(&token, ','))
            return false;
    } while (depth > 0);
    return true;
}

static bool asks_clock(const struct scan *scan)
{
    static const char *const words[] = {"current_timestamp", "current_time", "localtime", "localtimestamp", NULL};
    static const char *const functions[] = {
        "now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday", NULL};
    const struct sql_token *token = &scan->token;
    if (is_among(token, words, sql_token_is) || is_time_of_day(scan))
        return true;
    return sql_token_is_symbol(&scan->after, '(') &&
           (is_among(token, functions, sql_token_names) || (sql_token_names(token, "age") && is_age_until_today(scan)));
}

/* As the first word: what would end the transaction that makes a rerun harmless, or is no statement of it. */
static bool is_of_transactions(const struct sql_token *token)
{
    static const char *const words[] = {"begin",     "start",   "commit",  "end", "rollback", "abort",
                                        "savepoint", "release", "prepare", "set", "reset",    "discard",
                                        "copy",      "listen",  "vacuum",  NULL};
    return is_among(token, words, sql_token_is);
}

static bool judge_named(struct scan *scan, struct error *error)
{
    if (strncasecmp(scan->token.text.data, ":date", scan->token.text.length) == 0 &&
        scan->token.text.length == strlen(":date"))
        put_parameter(scan, '1');
    else if (scan->brackets == 0)
        return refuse(scan, "unknown; the day is :date", error);
    return true;
}

static bool judge(struct scan *scan, struct error *error)
{
    const struct sql_token *token = &scan->token;
    bool is_column = sql_token_is_symbol(&scan->before, '.');
    scan->brackets += sql_token_is_symbol(token, '[') - sql_token_is_symbol(token, ']');
    if (token->kind == SQL_POSITIONAL)
        return refuse(scan, "parameters have no numbers here; the day is :date", error);
    if (token->kind == SQL_NAMED)
        return judge_named(scan, error);
    if (sql_token_is(token, "current_date") && !is_column)
        put_parameter(scan, '2');
    else if (sql_token_is_symbol(token, ';') && scan->after.kind != SQL_END)
        return refuse(scan, "one statement only, make a job of each", error);
    else if (scan->before.kind == SQL_END && !scan->rules.is_condition && is_of_transactions(token))
        return refuse(scan, "a query runs in a transaction of its own, and is one statement that changes tables",
                      error);
    else if (!scan->rules.takes_clocks && asks_clock(scan))
        return refuse(scan,
                      "a clock says something else each time that the query runs again: write :date, or CURRENT_DATE, "
                      "which is the day after; or say \"clock: true\"",
                      error);
    return true;
}

static bool step(struct scan *scan, struct error *error)
{
    scan->before = scan->token;
    scan->token = scan->after;
    if (sql_token_next(&scan->reader, &scan->after, error))
        return true;
    scan->position = scan->reader.at;
    return false;
}

static bool read_all(struct scan *scan, struct error *error)
{
    if (!step(scan, error) || !step(scan, error))
        return false;
    scan->before = (struct sql_token){0};
    if (scan->token.kind == SQL_END || sql_token_is_symbol(&scan->token, ';'))
        return error_set(error, ERROR_CONFIGURATION, "there is no statement");
    while (scan->token.kind != SQL_END) {
        if (!judge(scan, error))
            return false;
        if (sql_token_is_symbol(&scan->token, ';'))
            scan->sql[position_of(scan, &scan->token)] = ' ';
        if (!step(scan, error))
            return false;
    }
    return true;
}

bool statement_read(struct text text, struct statement_rules rules, struct arena *arena,
                    struct day_statement *ret_statement, size_t *ret_position, struct error *error)
{
    struct scan scan = {.reader = {.text = text}, .rules = rules};
    scan.sql = arena_copy(arena, text);
    bool done = scan.sql ? read_all(&scan, error) : error_set(error, ERROR_INTERNAL, "out of memory");
    if (done)
        *ret_statement = (struct day_statement){scan.sql, scan.has_day};
    else
        *ret_position = scan.position;
    return done;
}

/* The next token of what is known to be well-formed. */
static struct sql_token next(struct sql_reader *reader)
{
    struct sql_token token;
    return sql_token_next(reader, &token, NULL) ? token : (struct sql_token){0};
}

bool statement_names_table(const char *sql, const char *schema, const char *table)
{
    struct sql_reader reader = {.text = text_of(sql)};
    struct sql_token first = next(&reader), second = next(&reader);
    for (struct sql_token third = next(&reader); third.kind != SQL_END; third = next(&reader)) {
        if (sql_token_names(&first, schema) && sql_token_is_symbol(&second, '.') && sql_token_names(&third, table))
            return true;
        first = second;
        second = third;
    }
    return false;
}

static bool is_name(const struct sql_token *token)
{
    return token->kind == SQL_WORD || token->kind == SQL_QUOTED_NAME;
}

/* A name with the one before it, if any; false where there is none. What follows is `after`. */
static bool take_table_name(struct sql_reader *reader, struct sql_token first, struct text *ret_name,
                            struct text *ret_schema, struct sql_token *ret_after)
{
    struct sql_token after = next(reader), last = first;
    struct text schema = {0};
    if (!is_name(&first))
        return false;
    if (sql_token_is_symbol(&after, '.')) {
        schema = first.text;
        last = next(reader);
        after = next(reader);
    }
    *ret_name = (struct text){first.text.data, (size_t)(last.text.data + last.text.length - first.text.data)};
    *ret_schema = schema;
    *ret_after = after;
    return is_name(&last);
}

bool table_name_read(struct text text, struct text *ret_schema)
{
    struct sql_reader reader = {.text = text};
    struct text name;
    struct sql_token after;
    return take_table_name(&reader, next(&reader), &name, ret_schema, &after) && after.kind == SQL_END;
}

/* As PostgreSQL folds names: those without quotes to lower case. */
static bool are_one_name(const struct sql_token *a, const struct sql_token *b)
{
    bool are_quoted[] = {a->kind == SQL_QUOTED_NAME, b->kind == SQL_QUOTED_NAME};
    size_t length = a->text.length - 2 * are_quoted[0];
    if (length != b->text.length - 2 * are_quoted[1])
        return false;
    for (size_t i = 0; i < length; i++) {
        char left = a->text.data[i + are_quoted[0]], right = b->text.data[i + are_quoted[1]];
        if ((are_quoted[0] ? left : tolower((unsigned char)left)) !=
            (are_quoted[1] ? right : tolower((unsigned char)right)))
            return false;
    }
    return true;
}

struct table_name {
    struct sql_token schema, table; /* SQL_END: there is no schema */
};

static struct table_name split_table_name(const char *name)
{
    struct sql_reader reader = {.text = text_of(name)};
    struct table_name split = {.table = next(&reader)};
    const struct sql_token point = next(&reader);
    if (sql_token_is_symbol(&point, '.')) {
        split.schema = split.table;
        split.table = next(&reader);
    }
    return split;
}

bool table_names_may_meet(const char *a, const char *b)
{
    const struct table_name one = split_table_name(a), other = split_table_name(b);
    bool are_both_given = one.schema.kind != SQL_END && other.schema.kind != SQL_END;
    return are_one_name(&one.table, &other.table) && (!are_both_given || are_one_name(&one.schema, &other.schema));
}

bool created_table_find(struct text text, struct text *ret_name)
{
    struct sql_reader reader = {.text = text};
    struct sql_token create = next(&reader), table = next(&reader), token = next(&reader), after;
    struct text schema;
    if (sql_token_is(&table, "unlogged")) {
        table = token;
        token = next(&reader);
    }
    if (!sql_token_is(&create, "create") || !sql_token_is(&table, "table"))
        return false;
    if (sql_token_is(&token, "if")) { /* not exists */
        (void)next(&reader);
        (void)next(&reader);
        token = next(&reader);
    }
    return take_table_name(&reader, token, ret_name, &schema, &after);
}
