/* SPDX-License-Identifier: Apache-2.0 */
#include "publication/row_view.h"

#include "database/grants.h"
#include "engine/postgres/hopping_sql.h"
#include "engine/postgres/session_sql.h"
#include "postgres/view_table.h"

/* What there is of the names: the kind of view.<name> (null: nothing), whether there is a table of panes, and whether a
 * publication made them. */
enum name_column { KIND, HAS_PANES, IS_OURS };

static bool find(struct batch *batch, const struct view *view, PGresult **ret_found, struct error *error)
{
    const char *values[] = {view->name};
    return connection_query(
        batch->connection,
        "select (select relkind from pg_class where oid = to_regclass(format('view.%I', $1::text))), "
        "to_regclass(format('view.%I', $1 || '" VIEW_PANES_SUFFIX "')) is not null, "
        "exists (select from tidemark.view where name = $1 and columns is distinct from '{}')",
        1, values, ret_found, error);
}

/* Where something of a user's depends on what goes, nothing goes. */
static bool drop(struct batch *batch, const struct view *view, struct buffer *ret_refusal, struct error *error)
{
    struct buffer sql = {0};
    struct error problem = {0};
    buffer_append_string(&sql, "drop view if exists ");
    append_view_rows(&sql, view);
    buffer_append_string(&sql, "; drop table view.");
    struct buffer panes = {0};
    buffer_appendf(&panes, "%s" VIEW_PANES_SUFFIX, view->name);
    buffer_append_identifier(&sql, buffer_string(&panes));
    sql.failed |= panes.failed;
    buffer_clean_up(&panes);
    bool begun = connection_execute(batch->connection, "savepoint tm_names", error);
    bool done = begun && batch_execute(batch, &sql, &problem);
    buffer_clean_up(&sql);
    if (done || !begun)
        return begun && connection_execute(batch->connection, "release savepoint tm_names", error);
    if (problem.code != ERROR_CONFIGURATION) {
        *error = problem;
        return false;
    }
    buffer_append_string(ret_refusal, problem.message);
    return connection_execute(batch->connection, "rollback to savepoint tm_names", error);
}

bool row_view_make_way(struct batch *batch, const struct view *view, struct buffer *ret_refusal, struct error *error)
{
    RESULT *found = NULL;
    if (!find(batch, view, &found, error))
        return false;
    char kind = PQgetisnull(found, 0, KIND) ? '\0' : *PQgetvalue(found, 0, KIND);
    bool has_panes = *PQgetvalue(found, 0, HAS_PANES) == 't', is_ours = *PQgetvalue(found, 0, IS_OURS) == 't';
    if (!view_merges_panes(view))
        return !has_panes || !is_ours || (kind && kind != 'v') || drop(batch, view, ret_refusal, error);
    if (kind && (kind != 'v' || !has_panes))
        buffer_appendf(ret_refusal,
                       "the rows of hopping windows and of sessions are an SQL view, and view.%s is there already, as "
                       "%s that others "
                       "may use: drop it, or give the view another name",
                       view->name, kind == 'v' ? "somebody else's" : "a table");
    return !ret_refusal->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

bool row_view_read_grants(struct batch *batch, struct row_view *rows, struct error *error)
{
    return grants_read(batch, "view", rows->view->name, &rows->grants, error);
}

void row_view_clean_up(struct row_view *rows)
{
    buffer_clean_up(&rows->grants);
}

void row_view_append_drop(struct buffer *sql, const struct row_view *rows)
{
    if (!rows->is_dropped)
        return;
    buffer_append_string(sql, "drop view if exists ");
    append_view_rows(sql, rows->view);
    buffer_append_string(sql, "; ");
}

void row_view_append_create(struct buffer *sql, const struct row_view *rows)
{
    if (!view_merges_panes(rows->view))
        return;
    buffer_append_string(sql, "; ");
    if (view_is_of_sessions(rows->view))
        append_session_view(sql, rows->view);
    else
        append_hopping_view(sql, rows->view);
    buffer_append_text(sql, buffer_text(&rows->grants));
}
