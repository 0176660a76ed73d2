/* SPDX-License-Identifier: Apache-2.0 */
#include "database/grants.h"

bool grants_read(struct batch *batch, const char *schema, const char *view, struct buffer *grants, struct error *error)
{
    const char *values[] = {schema, view};
    RESULT *found = NULL;
    if (!connection_query(
            batch->connection,
            "select coalesce(string_agg(format('; grant %s on %I.%I to %s%s', privilege_type, $1::text, $2::text, "
            "case grantee when 0 then 'public' else grantee::regrole::text end, "
            "case when is_grantable then ' with grant option' else '' end), ''), '') "
            "from pg_class, aclexplode(relacl) where oid = to_regclass(format('%I.%I', $1::text, $2::text)) "
            "and grantee <> relowner",
            2, values, &found, error))
        return false;
    buffer_append_text(grants, result_text(found, 0, 0));
    return !grants->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}
