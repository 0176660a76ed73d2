/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/bad_rows.h"

#include <inttypes.h>

#include "lake/manifest.h"

bool bad_rows_add(struct bad_rows *bad, const char *path, int64_t row, struct text reason, struct error *error)
{
    if (bad->count++ == 0)
        buffer_appendf(&bad->first, "%s, row %" PRId64 ": %.*s", path, row, (int)reason.length, reason.data);
    buffer_append_string(&bad->lines, "{\"file\": ");
    buffer_append_json(&bad->lines, text_of(path));
    buffer_appendf(&bad->lines, ", \"row\": %" PRId64 ", \"reason\": ", row);
    buffer_append_json(&bad->lines, reason);
    buffer_append_string(&bad->lines, "}\n");
    return (!bad->lines.failed && !bad->first.failed) || error_set(error, ERROR_INTERNAL, "out of memory");
}

bool bad_rows_check(const struct bad_rows *bad, struct error *error)
{
    return bad->breaker == 0 || bad->count <= bad->breaker ||
           error_set(error, ERROR_DATA,
                     "more than %" PRId64 " rows are bad, which is the source's \"breaker\"; the first: %s",
                     bad->breaker, buffer_string(&bad->first));
}

bool bad_rows_write(const struct bad_rows *bad, const char *folder, struct error *error)
{
    return bad->count == 0 || lake_file_write(folder, BAD_ROWS, buffer_text(&bad->lines), error);
}

void bad_rows_clean_up(struct bad_rows *bad)
{
    buffer_clean_up(&bad->lines);
    buffer_clean_up(&bad->first);
}
