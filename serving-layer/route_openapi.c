/* SPDX-License-Identifier: Apache-2.0
 * GET /openapi.json: the description of all that there is for everybody, and of each view that the visitor may see,
 * with the view's own filters and rows. */
#include <string.h>

#include "base/embedded.h"
#include "routes.h"

EMBEDDED(api_json, "openapi/api.json");
EMBEDDED(view_json, "openapi/view.json");

/* What stands in a template for @name@. */
struct place {
    const char *name;
    struct text text;
};

static const struct place *find_place(const struct place places[], size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(places[i].name) == length && memcmp(places[i].name, name, length) == 0)
            return &places[i];
    return NULL;
}

/* Places are between two @, which stand nowhere else. */
static void fill(const char *template, const struct place places[], size_t count, struct buffer *out)
{
    for (const char *at; (at = strchr(template, '@')) != NULL;) {
        size_t length = strcspn(at + 1, "@");
        const struct place *place = find_place(places, count, at + 1, length);
        buffer_append(out, template, (size_t)(at - template));
        if (place)
            buffer_append_text(out, place->text);
        template = at + length + 2;
    }
    buffer_append_string(out, template);
}

static void append_filters(const struct view *view, struct buffer *out)
{
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct field *field = &view->schema->fields[view->dimensions[i]];
        buffer_appendf(out,
                       ", {\"name\": \"%s\", \"in\": \"query\", \"description\": \"Only rows of this value; an empty "
                       "one asks for empty text.\", \"schema\": {\"type\": \"%s\"}}",
                       field->name, field->type == FIELD_TEXT ? "string" : "integer");
        buffer_appendf(out,
                       ", {\"name\": \"%s.null\", \"in\": \"query\", \"description\": \"Only rows of null.\", "
                       "\"allowEmptyValue\": true, \"schema\": {\"enum\": [\"\", \"true\"]}}",
                       field->name);
    }
}

/* A count is there always; what is made of values is null where there are none. */
static const char *type_of_measure(const struct view *view, const struct measure *measure)
{
    if (measure->kind == MEASURE_COUNT || measure->kind == MEASURE_UNIQUE)
        return "\"integer\"";
    bool is_whole = view->schema->fields[measure->field].type == FIELD_INTEGER;
    return is_whole ? "[\"integer\", \"null\"]" : "[\"number\", \"null\"]";
}

/* The schema of the view's rows; dimensions that group_by leaves out aren't there. */
static void append_row(const struct view *view, struct buffer *out)
{
    buffer_appendf(out,
                   "\n      \"Row-%s\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": "
                   "{\"window_start\": {\"type\": \"string\", \"format\": \"date-time\"}, \"window_end\": {\"type\": "
                   "\"string\", \"format\": \"date-time\"}",
                   view->name);
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct field *field = &view->schema->fields[view->dimensions[i]];
        buffer_appendf(out, ", \"%s\": {\"type\": [\"%s\", \"null\"]}", field->name,
                       field->type == FIELD_TEXT ? "string" : "integer");
    }
    for (size_t i = 0; i < view->measure_count; i++)
        buffer_appendf(out, ", \"%s\": {\"type\": %s}", view->measures[i].name,
                       type_of_measure(view, &view->measures[i]));
    buffer_append_string(out,
                         ", \"final\": {\"type\": \"boolean\"}}, \"required\": [\"window_start\", \"window_end\", ");
    for (size_t i = 0; i < view->measure_count; i++)
        buffer_appendf(out, "\"%s\", ", view->measures[i].name);
    buffer_append_string(out, "\"final\"]},");
}

static void append_view(const struct view *view, struct buffer *paths, struct buffer *rows)
{
    struct buffer filters = {0};
    append_filters(view, &filters);
    const struct place places[] = {{"view", text_of(view->name)}, {"filters", buffer_text(&filters)}};
    fill(view_json, places, sizeof places / sizeof places[0], paths);
    append_row(view, rows);
    paths->failed |= filters.failed;
    buffer_clean_up(&filters);
}

void route_openapi(const struct request *request, struct reply *reply)
{
    struct buffer paths = {0}, rows = {0}, out = {0};
    for (size_t i = 0; i < request->serving->source_count; i++) {
        const struct source *source = &request->serving->sources[i];
        for (size_t view = 0; view < source_shown_count(source); view++)
            if (visitor_may_see(request->visitor, source->views[view].name))
                append_view(&source->views[view], &paths, &rows);
    }
    const struct place places[] = {{"paths", buffer_text(&paths)}, {"rows", buffer_text(&rows)}};
    fill(api_json, places, sizeof places / sizeof places[0], &out);
    out.failed |= paths.failed || rows.failed;
    buffer_clean_up(&paths);
    buffer_clean_up(&rows);
    reply_with(reply, 200, "application/json", &out);
}
