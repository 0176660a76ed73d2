/* SPDX-License-Identifier: Apache-2.0 */
#include "publication/kept_table.h"

#include "database/schema.h"
#include "engine/postgres/view_sql.h"
#include "publication/row_view.h"

bool kept_table_exists(struct batch *batch, const struct view *view, bool *ret_exists, struct error *error)
{
    struct buffer sql = {0}, table = {0};
    RESULT *found = NULL;
    append_view_table(&table, view);
    buffer_append_string(&sql, "select to_regclass(");
    buffer_append_literal(&sql, buffer_text(&table));
    buffer_append_string(&sql, ") is not null");
    sql.failed |= table.failed;
    bool done = batch_query(batch, &sql, &found, error);
    if (done)
        *ret_exists = *PQgetvalue(found, 0, 0) == 't';
    buffer_clean_up(&sql);
    buffer_clean_up(&table);
    return done;
}

/* Who uses a column k of the table: views by their rules, indexes, constraints, functions, triggers, policies,
 * publications, statistics, generated columns, and roles by a grant on it alone. Its own default, and that it is not
 * null (a constraint since PostgreSQL 18), are no use of it; nor is the SQL view of a view's rows, which follows the
 * definition as the table does. */
static const char uses[] =
    "(select string_agg(distinct u, ', ') from ("
    "select case when r.oid is not null then pg_describe_object('pg_class'::regclass, r.ev_class, 0)"
    " else pg_describe_object(d.classid, d.objid, d.objsubid) end as u from pg_depend d"
    " left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid"
    " left join pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid"
    " left join pg_constraint c on d.classid = 'pg_constraint'::regclass and c.oid = d.objid"
    " where d.refclassid = 'pg_class'::regclass and d.refobjid = k.attrelid and d.refobjsubid = k.attnum"
    " and a.adnum is distinct from k.attnum and c.contype is distinct from 'n' and (r.ev_class = k.ours) is not true"
    " union all select 'a grant on this column' where k.attacl is not null) s)";

/* The SQL view that the batch layer makes over the table, or null. */
static void append_ours(struct buffer *sql, const struct view *view)
{
    struct buffer rows = {0};
    append_view_rows(&rows, view);
    buffer_append_string(sql, "to_regclass(");
    if (view_merges_panes(view))
        buffer_append_literal(sql, buffer_text(&rows));
    else
        buffer_append_string(sql, "null");
    buffer_append_char(sql, ')');
    sql->failed |= rows.failed;
    buffer_clean_up(&rows);
}

/* The columns of the rows of append_differences. */
enum difference { NAME, WANTED_TYPE, IS_NOT_NULL, IS_THERE, IS_OURS, USERS };

/* Of each column that differs, those that are wanted first: its name, the type that is wanted or null, whether it must
 * not be null, whether the table has it, whether a publication made it (all, where that isn't known), and its users or
 * null. */
static void append_differences(struct buffer *sql, const struct view *view, const char *wanted)
{
    struct buffer table = {0};
    append_view_table(&table, view);
    for (int kept = 0; kept < 2; kept++) {
        buffer_append_string(sql, kept ? "), k as (" : "with n as (");
        buffer_append_string(sql, "select attrelid, attname, attnum, attnotnull, attacl, format_type(atttypid, "
                                  "atttypmod) || case when attcollation <> 0 then ' collate \"C\"' else '' end as type "
                                  ", ");
        append_ours(sql, view);
        buffer_append_string(sql, " as ours from pg_attribute where attnum > 0 and not attisdropped and attrelid = ");
        buffer_append_literal(sql, kept ? buffer_text(&table) : text_of(wanted));
        buffer_append_string(sql, "::regclass");
    }
    buffer_appendf(sql, "), v as (select attname, coalesce(attname = any (t.columns), true) as is_ours from k, "
                        "tidemark.view t where t.name = ");
    buffer_append_literal(sql, text_of(view->name));
    buffer_appendf(sql,
                   ") select attname, n.type, coalesce(n.attnotnull, false), k.attnum is not null, "
                   "coalesce(v.is_ours, true), %s from n full join k using (attname) left join v using (attname) "
                   "where n.type is distinct from k.type and (n.type is not null or v.is_ours) "
                   "order by n.attnum, attname",
                   uses);
    sql->failed |= table.failed;
    buffer_clean_up(&table);
}

static void append_action(struct buffer *sql, const struct view *view, const char *action, const char *column)
{
    buffer_append_string(sql, "alter table ");
    append_view_table(sql, view);
    buffer_append_string(sql, action);
    buffer_append_identifier(sql, column);
}

static bool is_true(const PGresult *rows, int row, enum difference column)
{
    return *PQgetvalue(rows, row, (int)column) == 't';
}

struct plan {
    struct buffer *refusal; /* what is in the way */
    struct buffer before;   /* SQL that has to come before the rows are replaced */
    struct buffer after;    /* and what has to come behind */
};

static void plan_clean_up(struct plan *plan)
{
    buffer_clean_up(&plan->before);
    buffer_clean_up(&plan->after);
}

/* What one column that differs takes. It can't be made not null before it has its values. */
static void plan_column(const struct view *view, const PGresult *rows, int row, struct plan *plan)
{
    struct buffer *refusal = plan->refusal, *before = &plan->before, *after = &plan->after;
    const char *name = PQgetvalue(rows, row, NAME);
    bool is_wanted = !PQgetisnull(rows, row, WANTED_TYPE), is_there = is_true(rows, row, IS_THERE);
    if (is_there && (!is_true(rows, row, IS_OURS) || !PQgetisnull(rows, row, USERS))) {
        buffer_appendf(refusal, "%scolumn %s ", refusal->length ? ", " : "", name);
        if (is_true(rows, row, IS_OURS))
            buffer_appendf(refusal, "is used by %s", PQgetvalue(rows, row, USERS));
        else
            buffer_append_string(refusal, "was added by somebody with another type");
        return;
    }
    if (is_there) {
        append_action(before, view, " drop column ", name);
        buffer_append_string(before, "; ");
    }
    if (is_wanted) {
        append_action(before, view, " add column ", name);
        buffer_appendf(before, " %s; ", PQgetvalue(rows, row, WANTED_TYPE));
    }
    if (is_wanted && is_true(rows, row, IS_NOT_NULL)) {
        append_action(after, view, " alter column ", name);
        buffer_append_string(after, " set not null; ");
    }
}

/* A table that no publication made is somebody else's. */
static bool check_owner(struct batch *batch, const struct view *view, struct buffer *refusal, struct error *error)
{
    const char *values[] = {view->name};
    RESULT *known = NULL;
    if (!connection_query(batch->connection,
                          "select 1 from tidemark.view where name = $1 and columns is distinct from '{}'", 1, values,
                          &known, error))
        return false;
    if (PQntuples(known) == 0)
        buffer_append_string(refusal, "somebody else made a table of this name");
    return true;
}

static bool plan_columns(struct batch *batch, const struct view *view, const char *wanted, struct plan *plan,
                         struct error *error)
{
    struct buffer sql = {0};
    RESULT *rows = NULL;
    if (!check_owner(batch, view, plan->refusal, error))
        return false;
    if (plan->refusal->length > 0)
        return true;
    append_differences(&sql, view, wanted);
    bool done = batch_query(batch, &sql, &rows, error);
    for (int row = 0; done && row < PQntuples(rows); row++)
        plan_column(view, rows, row, plan);
    buffer_clean_up(&sql);
    if (plan->refusal->failed || plan->before.failed || plan->after.failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return done;
}

bool kept_table_check(struct batch *batch, const struct view *view, const char *wanted, struct buffer *ret_refusal,
                      struct error *error)
{
    struct plan plan = {.refusal = ret_refusal};
    bool done = plan_columns(batch, view, wanted, &plan, error);
    plan_clean_up(&plan);
    return done;
}

/* Rows are deleted rather than truncated: whoever began to read before sees the old ones to the end. */
static bool replace_rows(struct batch *batch, const struct view *view, const char *wanted, const struct plan *plan,
                         const struct row_view *rows, struct error *error)
{
    struct buffer sql = {0}, table = {0};
    append_view_table(&table, view);
    row_view_append_drop(&sql, rows);
    buffer_append_text(&sql, buffer_text(&plan->before));
    buffer_appendf(&sql, "delete from %s; ", buffer_string(&table));
    append_view_copy(&sql, view, buffer_string(&table), wanted);
    buffer_append_string(&sql, "; ");
    buffer_append_text(&sql, buffer_text(&plan->after));
    append_view_finish(&sql, view, buffer_string(&table));
    row_view_append_create(&sql, rows);
    sql.failed |= table.failed;
    bool done = batch_execute(batch, &sql, error);
    buffer_clean_up(&sql);
    buffer_clean_up(&table);
    return done;
}

static bool replace(struct batch *batch, const struct view *view, const char *wanted, const struct row_view *rows,
                    struct plan *plan, struct error *error)
{
    return plan_columns(batch, view, wanted, plan, error) &&
           (plan->refusal->length > 0 || replace_rows(batch, view, wanted, plan, rows, error));
}

/* Nothing is changed where there is a refusal. */
static bool try_replace(struct batch *batch, const struct view *view, const char *wanted, const struct row_view *rows,
                        struct buffer *ret_refusal, struct error *error)
{
    struct plan plan = {.refusal = ret_refusal};
    struct error problem = {0};
    if (!connection_execute(batch->connection, "savepoint tm_table", error))
        return false;
    bool done = replace(batch, view, wanted, rows, &plan, &problem);
    plan_clean_up(&plan);
    if (done)
        return connection_execute(batch->connection, "release savepoint tm_table", error);
    if (problem.code != ERROR_CONFIGURATION) {
        *error = problem;
        return false;
    }
    buffer_append_string(ret_refusal, problem.message);
    return connection_execute(batch->connection, "rollback to savepoint tm_table", error);
}

/* An SQL view over the table is replaced where it can be, so that what depends on it stays. Where it has other columns
 * it is dropped first, and made anew. */
bool kept_table_replace(struct batch *batch, const struct view *view, const char *wanted, struct buffer *ret_refusal,
                        struct error *error)
{
    struct row_view rows = {.view = view};
    if (!try_replace(batch, view, wanted, &rows, ret_refusal, error))
        return false;
    if (!view_merges_panes(view) || ret_refusal->length == 0)
        return true;
    buffer_clear(ret_refusal);
    rows.is_dropped = true;
    bool done =
        row_view_read_grants(batch, &rows, error) && try_replace(batch, view, wanted, &rows, ret_refusal, error);
    row_view_clean_up(&rows);
    return done;
}
