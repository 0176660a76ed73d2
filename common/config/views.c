/* SPDX-License-Identifier: Apache-2.0
 * `views:` of the file. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "config/assembly_steps.h"
#include "config/words.h"

#define DAY_US (SECONDS_PER_DAY * US_PER_SECOND)

/* A view as its keys say it, before it is checked as a whole. */
struct written_view {
    const struct yaml_node *source, *where, *window, *dimensions, *measures, *emit;
    const char *time_zone;
    int64_t retention_us, watermark_us;
};

const struct option view_options[] = {
    {.key = "source",
     .type = &option_scalar,
     .offset = offsetof(struct written_view, source),
     .required = true,
     .meaning = "The source whose messages are counted.",
     .example = "orders"},
    {.key = "where",
     .type = &option_scalar,
     .offset = offsetof(struct written_view, where),
     .meaning =
         "Which versions of an order count: comparisons of fields with `=`, `<>`, `<`, `<=`, `>`, `>=`, `in` and "
         "`is null`, joined by `and`, `or` and `not`, with SQL's nulls. Without it all count.",
     .example = "status <> 'cancelled' and amount > 0"},
    {.key = "window",
     .type = &option_scalar,
     .offset = offsetof(struct written_view, window),
     .required = true,
     .meaning =
         "What time is cut into: `tumbling` and `1 day`, `1 week`, `1 month`, `1 year`, or hours or minutes that "
         "divide a day; or `hopping SIZE every HOP` (`sliding` means the same), where a row begins at each HOP and is "
         "of "
         "the next SIZE / HOP of them, at most 1,440: a HOP is minutes that divide an hour, `1 hour`, or whole days "
         "counted from 1970-01-01, and a SIZE is of minutes or hours, or of days, as its HOP is, at most 36,500; or "
         "`session GAP` of seconds or minutes, at most a day, where a row is what a group has at most a GAP apart, "
         "from "
         "the first event time to the last and a GAP: such a view needs `dimensions` and a `retention`, and measures "
         "`count`, `sum` and `avg`. A day begins at its first instant in the time zone, and a week on Monday. An hour "
         "holds the moments of one local hour, one after the other: it comes twice, or is longer or shorter, where the "
         "clock changes.",
     .example = "tumbling 15 minutes"},
    {.key = "time_zone",
     .type = &option_text,
     .offset = offsetof(struct written_view, time_zone),
     .meaning = "Where a day begins for this view. The file's `time_zone` by default.",
     .example = "America/New_York"},
    {.key = "retention",
     .type = &option_duration,
     .offset = offsetof(struct written_view, retention_us),
     .minimum = 60 * US_PER_SECOND,
     .maximum = 36500 * DAY_US,
     .meaning = "How long windows are answered, by the partitions' clock; whole seconds, and no shorter than the "
                "window, or the gap of sessions. "
                "Without it they are kept for good.",
     .example = "48 hours"},
    {.key = "watermark",
     .type = &option_duration,
     .offset = offsetof(struct written_view, watermark_us),
     .minimum = US_PER_SECOND,
     .maximum = 36500 * DAY_US,
     .meaning =
         "How long late versions are waited for; no longer than the retention. Then a row is `final` once its window "
         "has ended at or before the least of the partitions' latest event times, less this, and not only once a batch "
         "run says so; a silent partition counts as its source's `idle_after` says. "
         "A later version is never dropped: the row is given again. Without it rows are final by batch runs.",
     .example = "10 minutes"},
    {.key = "dimensions",
     .type = &option_list,
     .offset = offsetof(struct written_view, dimensions),
     .meaning = "Text or integer fields that rows are grouped by, at most 8. Null is a group of its own.",
     .example = "[category, customer_segment]"},
    {.key = "measures",
     .type = &option_map,
     .offset = offsetof(struct written_view, measures),
     .required = true,
     .meaning =
         "What is computed of each group, at most 16: a name with `count`; `count(field)`, the versions whose field "
         "isn't null, so rows and not different values; `sum(field)` or `avg(field)` of an integer or decimal field; "
         "`unique(field)`, how many different values a text or integer field has; or `min(field)` or `max(field)` of "
         "an integer or decimal field. The last three are exact also when an order is taken back, and cost what a "
         "view with the field as one more dimension does. Like a field's the name doesn't begin with `tm_` and isn't "
         "one of PostgreSQL's system columns.",
     .example = "{ order_count: count, total_revenue: sum(amount), customers: unique(customer_id) }"},
    {.key = "emit",
     .type = &sinks_type,
     .offset = offsetof(struct written_view, emit), /* read behind all else, by sinks_assemble */
     .options = sink_options,
     .meaning = "Where `tidemark-serving emit` writes the view's rows, in micro-batches.",
     .example = "[{ to: console, every: 30 seconds }]"},
    {.key = NULL},
};

/* Parameters of HTTP and what every row may have: dimensions and measures are columns, and dimensions are parameters.
 */
static const char *const reserved_names[] = {"from",   "to",    "format",     "group_by",  "limit",        "cursor",
                                             "window", "order", "per_window", "time_zone", "window_start", "window_end",
                                             "final",  "field", "view",       "removed",   "revision"};

static bool is_reserved(struct text name)
{
    for (size_t i = 0; i < sizeof reserved_names / sizeof reserved_names[0]; i++)
        if (text_equal(name, text_of(reserved_names[i])))
            return true;
    return false;
}

static void read_where(struct assembly *assembly, const struct yaml_node *node, struct view *view)
{
    size_t position = 0;
    struct error error = {0};
    if (!expression_compile(node->text, view->schema, &assembly->settings.arena, &view->where, &position, &error))
        assembly_problem(assembly, yaml_location_at(node, position), &error);
}

static void read_window(struct assembly *assembly, const struct yaml_node *node, struct view *view)
{
    struct text rest;
    struct error error = {0};
    bool hops = text_after(node->text, "hopping", &rest) || text_after(node->text, "sliding", &rest);
    view->panes = 1;
    bool is_session = text_after(node->text, "session", &rest);
    if (!(is_session ? window_parse_session(node->text, &view->window, &error)
          : hops     ? window_parse_asked(node->text, &view->window, &view->panes, &error)
                     : window_parse(node->text, &view->window, &error)) ||
        (view_hops(view) && view->zone && !window_check_hop(node->text, &view->window, view->zone, &error)))
        assembly_problem(assembly, node->location, &error);
}

static bool check_dimension(struct assembly *assembly, const struct view *view, const struct yaml_node *item,
                            size_t field)
{
    struct problems *problems = assembly->reader.problems;
    if (is_reserved(item->text)) {
        problem_add(problems, item->location,
                    "a dimension can't be named%s: it is a parameter or a column of every answer",
                    shown_name(item->text).text);
        return false;
    }
    if (item->text.length > NAME_MAX_BYTES) {
        problem_add(problems, item->location, "the name of a dimension has at most %d characters", NAME_MAX_BYTES);
        return false;
    }
    if (view->schema->fields[field].type == FIELD_DECIMAL) {
        problem_add(problems, item->location, "a dimension must be a text or integer field");
        return false;
    }
    for (size_t i = 0; i < view->dimension_count; i++) {
        if (view->dimensions[i] == field) {
            problem_add(problems, item->location, "the dimension \"%s\" is given twice",
                        view->schema->fields[field].name);
            return false;
        }
    }
    return true;
}

static void read_dimensions(struct assembly *assembly, const struct yaml_node *list, struct view *view)
{
    if (list->count > DIMENSIONS_MAX - 1) {
        problem_add(assembly->reader.problems, list->location, "at most %d dimensions", DIMENSIONS_MAX - 1);
        return;
    }
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        size_t field = assembly_find_field(assembly, view->schema, item->text, item, item->location);
        if (field != FIELD_NONE && check_dimension(assembly, view, item, field))
            view->dimensions[view->dimension_count++] = field;
    }
}

static bool is_dimension(const struct view *view, struct text name)
{
    for (size_t i = 0; i < view->dimension_count; i++)
        if (text_equal(name, text_of(view->schema->fields[view->dimensions[i]].name)))
            return true;
    return false;
}

static bool check_measure_name(struct assembly *assembly, const struct view *view, const struct yaml_node *entry)
{
    struct text name = entry->key->text;
    const char *why;
    if (!assembly_check_name(assembly, entry))
        return false;
    if (is_taken_column(name, &why))
        problem_add(assembly->reader.problems, entry->key->location, "%s", why);
    else if (is_reserved(name))
        problem_add(assembly->reader.problems, entry->key->location,
                    "a measure can't be named \"%s\": it is a parameter or a column of every answer", name.data);
    else if (is_dimension(view, name))
        problem_add(assembly->reader.problems, entry->key->location, "\"%s\" is a dimension of this view already",
                    name.data);
    else
        return true;
    return false;
}

/* Which of the view's sums adds up or counts this field, taken up where it is new; SIZE_MAX where there are too many.
 */
static size_t sum_of(struct view *view, size_t field)
{
    for (size_t i = 0; i < view->sum_count; i++)
        if (view->sums[i] == field)
            return i;
    if (view->sum_count == SUMS_MAX)
        return SIZE_MAX;
    view->sums[view->sum_count] = field;
    return view->sum_count++;
}

/* What a measure of this kind can't be of, or NULL. */
static const char *check_type(enum measure_kind kind, enum field_type type)
{
    if (kind == MEASURE_UNIQUE && type == FIELD_DECIMAL)
        return "a text or integer field";
    if (kind != MEASURE_COUNT && kind != MEASURE_UNIQUE && type == FIELD_TEXT)
        return "an integer or decimal field";
    return NULL;
}

/* What the measure reads. */
static bool take_sum(struct assembly *assembly, struct location location, struct view *view, struct measure *measure)
{
    measure->sum = sum_of(view, measure->field);
    if (measure->sum == SIZE_MAX)
        problem_add(assembly->reader.problems, location, "a view sums and counts at most %d different fields",
                    SUMS_MAX);
    return measure->sum != SIZE_MAX;
}

/* Until all sums are known, `sum` is only the number among those that rest on members, and `members` are fields. */
static bool take_members(struct assembly *assembly, struct location location, struct view *view,
                         struct measure *measure)
{
    if (strlen(view->schema->fields[measure->field].name) > NAME_MAX_BYTES) {
        problem_add(assembly->reader.problems, location,
                    "the name of a field of unique, min or max has at most %d characters", NAME_MAX_BYTES);
        return false;
    }
    measure->sum = view->member_count;
    view->members[view->member_count++] = measure->field;
    return true;
}

/* The field of count(field), sum(field) and so on. */
static bool read_field(struct assembly *assembly, const struct yaml_node *entry, const struct call *call,
                       struct view *view, struct measure *measure)
{
    struct problems *problems = assembly->reader.problems;
    size_t position = call->has_argument ? (size_t)(call->argument.data - entry->text.data) : 0;
    struct location location = yaml_location_at(entry, position);
    if (!call->has_argument || call->argument.length == 0) {
        problem_add(problems, entry->location, "the field is missing: %.*s(amount)", (int)call->word.length,
                    call->word.data);
        return false;
    }
    measure->field = assembly_find_field(assembly, view->schema, call->argument, entry, location);
    if (measure->field == FIELD_NONE)
        return false;
    if (measure_rests_on_members(measure) && view_is_of_sessions(view)) {
        problem_add(problems, entry->location,
                    "%.*s isn't possible in a view of sessions, which has count, sum and avg: ask it of a view with "
                    "another window",
                    (int)call->word.length, call->word.data);
        return false;
    }
    const char *wanted = check_type(measure->kind, view->schema->fields[measure->field].type);
    if (wanted) {
        problem_add(problems, location, "%.*s needs %s", (int)call->word.length, call->word.data, wanted);
        return false;
    }
    return measure_rests_on_members(measure) ? take_members(assembly, location, view, measure)
                                             : take_sum(assembly, location, view, measure);
}

#define MEASURES_WANTED "count, count(field), sum(field), avg(field), unique(field), min(field) or max(field)"

static const char *const measure_words[] = {
    [MEASURE_COUNT] = "count",   [MEASURE_SUM] = "sum",     [MEASURE_AVERAGE] = "avg",
    [MEASURE_UNIQUE] = "unique", [MEASURE_MINIMUM] = "min", [MEASURE_MAXIMUM] = "max"};
#define MEASURE_WORDS (sizeof measure_words / sizeof measure_words[0])

static bool refuse_measure(struct assembly *assembly, const struct yaml_node *entry, struct text word)
{
    problem_add(assembly->reader.problems, entry->location, "expected " MEASURES_WANTED "%s%s",
                entry->kind == YAML_MAP ? ", not a map" : "", option_suggest(word, measure_words, MEASURE_WORDS).text);
    return false;
}

/* The first run of letters: what is meant by "sum amount" and "{count}". */
static struct text first_word(struct text text)
{
    size_t begin = 0, end;
    while (begin < text.length && !isalpha((unsigned char)text.data[begin]))
        begin++;
    for (end = begin; end < text.length && isalpha((unsigned char)text.data[end]);)
        end++;
    return (struct text){text.data + begin, end - begin};
}

static bool read_measure(struct assembly *assembly, const struct yaml_node *entry, struct view *view,
                         struct measure *measure)
{
    struct call call;
    if (entry->kind == YAML_MAP && entry->first) /* {count}, without quotes */
        return refuse_measure(assembly, entry, entry->first->key->text);
    if (!option_expect(&assembly->reader, entry, YAML_SCALAR, MEASURES_WANTED))
        return false;
    if (!call_parse(entry->text, &call))
        return refuse_measure(assembly, entry, first_word(entry->text));
    size_t kind = 0;
    while (kind < MEASURE_WORDS && !text_equal(call.word, text_of(measure_words[kind])))
        kind++;
    if (kind == MEASURE_WORDS)
        return refuse_measure(assembly, entry, call.word);
    *measure = (struct measure){.kind = (enum measure_kind)kind, .field = FIELD_NONE};
    return (kind == MEASURE_COUNT && !call.has_argument) || read_field(assembly, entry, &call, view, measure);
}

static void read_measures(struct assembly *assembly, const struct yaml_node *map, struct view *view)
{
    if (map->count == 0 || map->count > MEASURES_MAX) {
        problem_add(assembly->reader.problems, map->location,
                    map->count ? "at most %d measures" : "at least one measure is needed", MEASURES_MAX);
        return;
    }
    for (const struct yaml_node *entry = map->first; entry; entry = entry->next) {
        struct measure measure;
        if (!check_measure_name(assembly, view, entry) || !read_measure(assembly, entry, view, &measure))
            continue;
        measure.name = reader_copy(&assembly->reader, entry->key->text);
        view->measures[view->measure_count++] = measure;
    }
    for (size_t i = 0; i < view->measure_count; i++)
        if (measure_rests_on_members(&view->measures[i]))
            view->measures[i].sum += view->sum_count;
}

static void read_retention(struct assembly *assembly, const struct yaml_node *entry, int64_t retention_us,
                           bool is_stream_alone, struct view *view)
{
    view->retention_s = retention_us / US_PER_SECOND;
    if (retention_us % US_PER_SECOND != 0)
        problem_add(assembly->reader.problems, option_location(entry, "retention"),
                    "\"retention\" must be whole seconds");
    else if (retention_us == 0 && is_stream_alone)
        problem_add(assembly->reader.problems, entry->key->location,
                    "a view of a source with batch: none needs a \"retention\", such as 30 days: what it counts is in "
                    "Redis, and nowhere else, until it is past that");
    else if (retention_us > 0 && view->retention_s < view->panes * view->window.length_s + view->window.gap_s)
        problem_add(assembly->reader.problems, option_location(entry, "retention"),
                    "\"retention\" must not be shorter than %s", view->window.gap_s ? "the gap" : "the window");
}

/* Moments aren't kept for good, and without a group all versions would be one session. */
static void check_session(struct assembly *assembly, const struct yaml_node *entry, const struct written_view *written,
                          const struct view *view)
{
    if (!view_is_of_sessions(view))
        return;
    if (!written->dimensions || written->dimensions->count == 0)
        problem_add(assembly->reader.problems, option_location(entry, "window"),
                    "sessions are those of a group: give \"dimensions\", such as [customer_id]");
    if (written->retention_us == 0)
        problem_add(assembly->reader.problems, option_location(entry, "window"),
                    "a view of sessions needs a \"retention\", such as 48 hours: its moments aren't kept for good");
}

static void read_view(struct assembly *assembly, const struct yaml_node *entry, const struct written_view *written,
                      bool is_stream_alone, struct view *view)
{
    view->name = reader_copy(&assembly->reader, entry->key->text);
    view->zone = assembly->settings.zone;
    if (written->time_zone &&
        !assembly_open_zone(assembly, written->time_zone, option_location(entry, "time_zone"), &view->zone))
        view->zone = NULL;
    if (written->where)
        read_where(assembly, written->where, view);
    if (written->window)
        read_window(assembly, written->window, view);
    if (written->dimensions)
        read_dimensions(assembly, written->dimensions, view);
    if (written->measures)
        read_measures(assembly, written->measures, view);
    read_retention(assembly, entry, written->retention_us, is_stream_alone, view);
    view->watermark_us = written->watermark_us;
    if (written->retention_us > 0 && written->watermark_us > written->retention_us)
        problem_add(assembly->reader.problems, option_location(entry, "watermark"),
                    "\"watermark\" must not be longer than the retention");
    check_session(assembly, entry, written, view);
}

/* Reads the view if its source is known and sound; returns the number of the source, else SIZE_MAX. */
static size_t read_entry(struct assembly *assembly, const struct yaml_node *entry, struct view *view)
{
    struct written_view written = {0};
    if (!assembly_check_name(assembly, entry) ||
        !option_expect(&assembly->reader, entry, YAML_MAP, "a map that describes the view"))
        return SIZE_MAX;
    options_read(&assembly->reader, view_options, entry, entry->key->location, &written);
    if (!written.source)
        return SIZE_MAX;
    size_t source = assembly_find_source(assembly, written.source);
    if (source == SIZE_MAX || assembly->source_is_broken[source])
        return SIZE_MAX;
    view->schema = &assembly->sources[source].schema;
    read_view(assembly, entry, &written, assembly->sources[source].is_stream_alone, view);
    return source;
}

/* The first of a view's measures of members that is of the same field. */
static size_t first_of_field(const struct view *view, size_t number)
{
    size_t first = 0;
    while (view->members[first] != view->members[number])
        first++;
    return first;
}

static size_t hidden_count(const struct view *view)
{
    size_t count = 0;
    for (size_t i = 0; i < view->member_count; i++)
        count += first_of_field(view, i) == i;
    return count;
}

/* The view whose rows are the members of `shown`: see view.h. */
static struct view hide(struct assembly *assembly, const struct view *shown, size_t field)
{
    char name[VIEW_NAME_MAX_BYTES + 1];
    int length = snprintf(name, sizeof name, "%s:%s", shown->name, shown->schema->fields[field].name);
    struct view hidden = {
        .name = reader_copy(&assembly->reader, (struct text){name, (size_t)length}),
        .schema = shown->schema,
        .where = shown->where,
        .window = shown->window,
        .panes = shown->panes,
        .zone = shown->zone,
        .retention_s = shown->retention_s,
        .dimension_count = shown->dimension_count,
        .shown = shown,
    };
    memcpy(hidden.dimensions, shown->dimensions, sizeof hidden.dimensions);
    hidden.dimensions[hidden.dimension_count++] = field;
    return hidden;
}

/* Puts the hidden views of `view` behind the source's others. */
static void add_hidden(struct assembly *assembly, struct view *views, struct view *view, size_t *count)
{
    size_t numbers[MEASURES_MAX];
    for (size_t i = 0; i < view->member_count; i++) {
        size_t first = first_of_field(view, i);
        numbers[i] = first == i ? *count : numbers[first];
        if (first == i)
            views[(*count)++] = hide(assembly, view, view->members[i]);
    }
    memcpy(view->members, numbers, view->member_count * sizeof numbers[0]);
}

/* Gives a source its views, in the order of the file. `owners` says which source each view is of. */
static void give_views(struct assembly *assembly, size_t number, const struct view views[], const size_t owners[],
                       size_t count)
{
    struct source *source = &assembly->sources[number];
    size_t mine = 0, next = 0;
    for (size_t i = 0; i < count; i++)
        mine += owners[i] == number ? 1 + hidden_count(&views[i]) : 0;
    if (mine > VIEWS_MAX) {
        problem_add(assembly->reader.problems, assembly->views_node->location,
                    "the source \"%s\" has more than %d views, of which each field of unique, min or max is one",
                    source->name, VIEWS_MAX);
        return;
    }
    struct view *own = reader_allocate(&assembly->reader, mine * sizeof *own);
    for (size_t i = 0; i < count && own; i++)
        if (owners[i] == number)
            own[next++] = views[i];
    for (size_t i = 0, shown = next; i < shown; i++)
        add_hidden(assembly, own, &own[i], &next);
    source->views = own;
    source->view_count = next;
    if (assembly->reader.problems->count > 0 || assembly->reader.problems->memory_is_short)
        return;
    bool made = source_fingerprint(source);
    for (size_t i = 0; made && i < next; i++)
        made = view_fingerprint(&own[i], source);
    assembly->reader.problems->memory_is_short |= !made;
}

void views_assemble(struct assembly *assembly)
{
    const struct yaml_node *map = assembly->views_node;
    size_t count = map ? map->count : 0;
    if (count > (size_t)VIEWS_MAX * SOURCES_MAX) {
        problem_add(assembly->reader.problems, map->location, "at most %d views", VIEWS_MAX * SOURCES_MAX);
        return;
    }
    struct view *views = reader_allocate(&assembly->reader, count * sizeof *views);
    size_t *owners = reader_allocate(&assembly->reader, count * sizeof *owners);
    if (!views || !owners)
        return;
    size_t number = 0;
    for (const struct yaml_node *entry = map ? map->first : NULL; entry; entry = entry->next, number++)
        owners[number] = read_entry(assembly, entry, &views[number]);
    for (size_t source = 0; source < assembly->settings.source_count; source++)
        give_views(assembly, source, views, owners, count);
}
