/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a configuration file. What is refused is refused at places inside the file. What loads is written anew
 * from the settings alone, and must load to the same settings, fingerprints and all. */
#include <sys/mman.h>
#include <unistd.h>

#include "config/load.h"
#include "fuzz.h"
#include "where_rules.h"

/* --- writing settings --- */

static uint32_t take_point(const char **at)
{
    unsigned char first = (unsigned char)*(*at)++;
    size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t point = more ? first & (0x3fU >> more) : first;
    for (; more; more--)
        point = point << 6 | ((unsigned char)*(*at)++ & 0x3fU);
    return point;
}

/* In double quotes, all but plain characters escaped; "${" is written so that nothing takes its place. */
static void write_text(struct buffer *out, const char *text)
{
    buffer_append_char(out, '"');
    while (*text) {
        if (text[0] == '$' && text[1] == '{')
            buffer_append_char(out, '$');
        uint32_t point = take_point(&text);
        if (point >= ' ' && point < 0x7f && point != '"' && point != '\\')
            buffer_append_char(out, (char)point);
        else
            buffer_appendf(out, "\\U%08x", point);
    }
    buffer_append_char(out, '"');
}

static void write_key(struct buffer *out, const char *key, const char *text)
{
    buffer_appendf(out, "%s: ", key);
    write_text(out, text);
    buffer_append_string(out, ", ");
}

static void write_number(struct buffer *out, const char *key, int64_t number, const char *unit)
{
    buffer_appendf(out, "%s: \"%lld%s\", ", key, (long long)number, unit);
}

static void write_sections(struct buffer *out, const struct settings *settings)
{
    buffer_append_string(out, "kafka: { ");
    write_key(out, "brokers", settings->kafka.brokers);
    write_key(out, "group", settings->kafka.group);
    buffer_append_string(out, "properties: { ");
    for (size_t i = 0; i < settings->kafka.properties.count; i++) {
        buffer_append_string(out, "? ");
        write_text(out, settings->kafka.properties.entries[i].name);
        buffer_append_string(out, " : ");
        write_text(out, settings->kafka.properties.entries[i].value);
        buffer_append_string(out, ", ");
    }
    buffer_append_string(out, "} }\nredis: { ");
    write_key(out, "url", settings->redis.url);
    write_key(out, "namespace", settings->redis.name_space);
    buffer_append_string(out, "}\npostgres: { ");
    write_key(out, "url", settings->postgres.url);
    bool six = strchr(settings->http.host, ':') != NULL;
    buffer_appendf(out, "}\nhttp: { listen: \"%s%s%s:%d\", ", six ? "[" : "", settings->http.host, six ? "]" : "",
                   settings->http.port);
    write_number(out, "memory", settings->http.memory_bytes, " B");
    write_number(out, "threads", settings->http.threads, "");
    write_number(out, "refresh", settings->http.refresh_us / 1000, " ms");
    buffer_append_string(out, "}\nspeed: { ");
    write_number(out, "workers", settings->speed.workers, "");
    write_number(out, "flush_every", settings->speed.flush_every_us / 1000, " ms");
    write_number(out, "flush_messages", settings->speed.flush_messages, "");
    write_number(out, "index_memory", settings->speed.index_bytes, " B");
    write_number(out, "groups", settings->speed.groups_max, "");
    write_number(out, "live_groups", settings->speed.live_groups_max, "");
    write_number(out, "live_bytes", settings->speed.live_bytes_max, " B");
    buffer_append_string(out, "}\nbatch: { ");
    write_number(out, "ingest_messages", settings->batch.ingest_messages, "");
    buffer_append_string(out, "}\n");
}

static void write_topic(struct buffer *out, const char *key, const char *topic)
{
    if (topic)
        buffer_appendf(out, "%s: \"kafka://%s\", ", key, topic);
}

static void write_source(struct buffer *out, const struct source *source)
{
    static const char *const types[] = {"text", "integer", "decimal"}, *const duplicates[] = {"replace", "ignore",
                                                                                              "none"};
    static const char *const units[] = {"rfc3339", "seconds", "milliseconds", "microseconds"};
    const struct schema *schema = &source->schema;
    buffer_appendf(out, "  \"%s\": { ", source->name);
    write_topic(out, "topic", source->topic);
    write_topic(out, "dead_letter", source->dead_letter);
    if (schema->key != FIELD_NONE)
        write_key(out, "key", schema->fields[schema->key].name);
    buffer_append_string(out, "event_time: { ");
    write_key(out, "field", schema->event_time);
    buffer_appendf(out, "unit: %s }, on_duplicate: %s, ", units[schema->event_time_unit],
                   duplicates[source->on_duplicate]);
    write_number(out, "horizon", source->horizon_us / 1000, " ms");
    write_number(out, "max_future", schema->max_future_us / 1000, " ms");
    buffer_append_string(out, "fields: { ");
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        buffer_appendf(out, "\"%s\": %s", field->name, types[field->type]);
        if (field->type == FIELD_DECIMAL)
            buffer_appendf(out, "(%u)", field->scale);
        buffer_append_string(out, ", ");
    }
    buffer_append_string(out, "} }\n");
}

static void write_where(struct buffer *out, const struct view *view)
{
    struct buffer sql = {0};
    if (!view->where)
        return;
    expression_print_sql(view->where, view->schema, "", &sql);
    char *where = where_of_sql(buffer_string(&sql));
    write_key(out, "where", where);
    free(where);
    buffer_clean_up(&sql);
}

/* The field of the sum or of the members that the measure reads. */
static size_t field_read(const struct source *source, const struct view *view, const struct measure *measure)
{
    REQUIRE(measure->sum < view->sum_count + view->member_count);
    if (!measure_rests_on_members(measure))
        return view->sums[measure->sum];
    size_t number = view->members[measure->sum - view->sum_count];
    REQUIRE(number < source->view_count && source->views[number].shown == view);
    return member_field(&source->views[number]);
}

static void write_view(struct buffer *out, const struct source *source, const struct view *view)
{
    static const char *const kinds[] = {"count", "sum", "avg", "unique", "min", "max"};
    const struct field *fields = view->schema->fields;
    buffer_appendf(out, "  \"%s\": { source: \"%s\", ", view->name, source->name);
    write_where(out, view);
    buffer_append_string(out, "window: ");
    window_print_asked(&view->window, view->panes, out);
    buffer_append_string(out, ", ");
    write_key(out, "time_zone", zone_name(view->zone));
    if (view->retention_s)
        write_number(out, "retention", view->retention_s, " s");
    if (view->dimension_count)
        buffer_append_string(out, "dimensions: [");
    for (size_t i = 0; i < view->dimension_count; i++)
        buffer_appendf(out, "\"%s\"%s", fields[view->dimensions[i]].name, i + 1 < view->dimension_count ? ", " : "], ");
    buffer_append_string(out, "measures: { ");
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        buffer_appendf(out, "\"%s\": %s", measure->name, kinds[measure->kind]);
        if (measure->field != FIELD_NONE) {
            REQUIRE(field_read(source, view, measure) == measure->field);
            buffer_appendf(out, "(%s)", fields[measure->field].name);
        }
        buffer_append_string(out, ", ");
    }
    buffer_append_string(out, "} }\n");
}

/* A field of a cron line: `star` as it began with one, `slash` as it had a step. The lowest value of a field that began
 * with a star is always in it, and a step as long as the field gives that value alone. */
static void write_bits(struct buffer *out, uint64_t bits, int lowest, int highest, bool star, bool slash)
{
    if (star)
        buffer_appendf(out, "*/%d,", highest);
    for (int i = lowest, first = 1; i <= highest; i++)
        if (bits >> i & 1) {
            buffer_appendf(out, first ? "%d" : ",%d", i);
            if (first && slash)
                buffer_appendf(out, "-%d/1", i);
            first = 0;
        }
    buffer_append_char(out, ' ');
}

static void write_schedule(struct buffer *out, const struct schedule *schedule)
{
    buffer_append_string(out, "schedule: \"");
    write_bits(out, schedule->minutes, 0, 59, false, false);
    write_bits(out, schedule->hours, 0, 23, false, schedule->hour_is_real);
    write_bits(out, schedule->days, 1, 31, schedule->day_is_star, false);
    write_bits(out, schedule->months, 1, 12, false, false);
    write_bits(out, schedule->weekdays, 0, 7, schedule->weekday_is_star, false);
    buffer_append_string(out, "\", ");
}

static void write_summary(struct buffer *out, const struct summary *summary)
{
    const struct schema *schema = &summary->source->schema;
    buffer_appendf(out, "summarise: \"%s\", read: ", summary->view->name);
    write_text(out, summary->read);
    buffer_append_string(out, ", write: ");
    write_text(out, summary->write);
    if (summary->version) {
        buffer_append_string(out, ", version: ");
        write_text(out, summary->version);
    }
    buffer_appendf(out, ", allow_empty: %s, partition_by: [", summary->allow_empty ? "true" : "false");
    for (size_t i = 0; i < summary->partition_count; i++)
        buffer_appendf(out, "%s\"%s\"", i ? ", " : "",
                       schema->fields[summary->view->dimensions[summary->partition_by[i]]].name);
    buffer_append_string(out, "], joins: [");
    for (size_t i = 0; i < summary->join_count; i++) {
        buffer_appendf(out, "%s{ on: \"%s\", read: ", i ? ", " : "", schema->fields[summary->joins[i].on].name);
        struct buffer read = {0};
        buffer_appendf(&read, "%s%s", summary->joins[i].is_table ? "postgres://" : "", summary->joins[i].read);
        write_text(out, buffer_string(&read));
        buffer_clean_up(&read);
        buffer_append_string(out, " }");
    }
    buffer_append_string(out, "] }\n");
}

static void write_job(struct buffer *out, const struct job *job)
{
    buffer_appendf(out, "  \"%s\": { ", job->name);
    if (job->has_schedule)
        write_schedule(out, &job->schedule);
    if (job->kind == JOB_SUMMARISE) {
        write_summary(out, &job->summary);
        return;
    }
    buffer_append_string(out, "sources: [");
    for (size_t i = 0; i < job->source_count; i++)
        buffer_appendf(out, "%s\"%s\"", i ? ", " : "", job->sources[i]->name);
    buffer_append_string(out, "] }\n");
}

static void write_settings(struct buffer *out, const struct settings *settings)
{
    buffer_append_string(out, "time_zone: ");
    write_text(out, settings->time_zone);
    buffer_append_char(out, '\n');
    write_sections(out, settings);
    buffer_append_string(out, "sources:\n");
    for (size_t i = 0; i < settings->source_count; i++)
        write_source(out, &settings->sources[i]);
    buffer_append_string(out, "views:\n");
    for (size_t i = 0; i < settings->source_count; i++)
        for (size_t view = 0; view < source_shown_count(&settings->sources[i]); view++)
            write_view(out, &settings->sources[i], &settings->sources[i].views[view]);
    buffer_append_string(out, "jobs:\n");
    for (size_t i = 0; i < settings->job_count; i++)
        write_job(out, &settings->jobs[i]);
    REQUIRE(!out->failed);
}

/* --- checking --- */

static bool load(struct text file, char ret_path[64], struct settings **ret_settings, struct error *error)
{
    int descriptor = memfd_create("configuration", MFD_CLOEXEC);
    REQUIRE(descriptor >= 0 && write(descriptor, file.data, file.length) == (ssize_t)file.length);
    (void)snprintf(ret_path, 64, "/proc/self/fd/%d", descriptor);
    bool loaded = settings_load(ret_path, ret_settings, error);
    REQUIRE(close(descriptor) == 0);
    return loaded;
}

/* Bytes of the line's end at the front, 0 where there is none; with `yaml` also those that only YAML 1.1 knows. */
static size_t line_end(const char *at, const char *end, bool yaml)
{
    static const char *const ends[] = {"\r\n", "\r", "\n", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    for (size_t i = 0; i < (yaml ? sizeof ends / sizeof ends[0] : 3); i++)
        if ((size_t)(end - at) >= strlen(ends[i]) && memcmp(at, ends[i], strlen(ends[i])) == 0)
            return strlen(ends[i]);
    return 0;
}

/* Whether the file has this place, or it is right behind a line or the file, which may lack its last line's end. */
static bool is_inside(struct text file, size_t line, size_t column, bool yaml)
{
    const char *at = file.data, *end = file.data + file.length;
    size_t skipped = 0;
    for (; line > 1 && at < end; at += skipped ? skipped : 1) {
        skipped = line_end(at, end, yaml);
        line -= skipped > 0;
    }
    if (at == end)
        line -= line == 2 && skipped == 0;
    for (; column > 1 && at < end && !line_end(at, end, yaml); at++)
        column -= at + 1 == end || ((unsigned char)at[1] & 0xc0) != 0x80;
    return line == 1 && column == 1;
}

static void check_error(struct text file, const char *path, const struct error *error)
{
    REQUIRE(error->code == ERROR_CONFIGURATION);
    for (const char *line = error->message; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        size_t number, column, more;
        REQUIRE(strncmp(line, path, strlen(path)) == 0);
        line += strlen(path);
        if (sscanf(line, ":%zu:%zu: ", &number, &column) == 2)
            REQUIRE(is_inside(file, number, column, true) || is_inside(file, number, column, false));
        else
            REQUIRE(sscanf(line, ": %zu more", &more) == 1 && more > 0);
    }
}

static void check_same(const struct settings *a, const struct settings *b)
{
    struct buffer again = {0}, first = {0};
    write_settings(&first, a);
    write_settings(&again, b);
    REQUIRE(text_equal(buffer_text(&first), buffer_text(&again)));
    for (size_t i = 0; i < a->source_count; i++) {
        REQUIRE(settings_source(a, text_of(a->sources[i].name)) == &a->sources[i]);
        REQUIRE(strcmp(a->sources[i].fingerprint, b->sources[i].fingerprint) == 0);
        for (size_t view = 0; view < a->sources[i].view_count; view++)
            REQUIRE(strcmp(a->sources[i].views[view].fingerprint, b->sources[i].views[view].fingerprint) == 0);
    }
    buffer_clean_up(&first);
    buffer_clean_up(&again);
}

/* The printed `where` has more parentheses, so it may be nested too deeply to load. */
static void check_settings(const struct settings *settings)
{
    struct buffer file = {0};
    struct settings *again = NULL;
    struct error error = {0};
    char path[64];
    write_settings(&file, settings);
    if (load(buffer_text(&file), path, &again, &error)) {
        check_same(settings, again);
    } else if (!strstr(error.message, "nested more than")) {
        fprintf(stderr, "%s\n%s\n", error.message, file.data);
        abort();
    }
    settings_destroy(again);
    buffer_clean_up(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings = NULL;
    struct error error = {0};
    char path[64];
    struct text file = {(const char *)data, size};
    if (load(file, path, &settings, &error))
        check_settings(settings);
    else
        check_error(file, path, &error);
    settings_destroy(settings);
    return 0;
}
