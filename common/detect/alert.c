/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/alert.h"

#include "base/calendar.h"
#include "base/clock.h"

const char *const alert_members[] = {"alerts", "detector", "alert_id", "evidence", NULL};

/* RFC 3339 in UTC, with as many digits as it has: none, three or six. */
static void append_event_time(int64_t at_us, struct buffer *out)
{
    int64_t second = floor_divide(at_us, US_PER_SECOND), fraction = at_us - second * US_PER_SECOND;
    int64_t day = floor_divide(second, SECONDS_PER_DAY);
    buffer_append_char(out, '"');
    buffer_append_date_time(out, day, (int)(second - day * SECONDS_PER_DAY));
    if (fraction % 1000)
        buffer_appendf(out, ".%06d", (int)fraction);
    else if (fraction)
        buffer_appendf(out, ".%03d", (int)(fraction / 1000));
    buffer_append_string(out, "Z\"");
}

static void append_name(const char *name, struct buffer *out)
{
    buffer_append_json(out, text_of(name));
    buffer_append_char(out, ':');
}

/* The event time stands where it is declared, else behind the declared fields. */
static void append_fields(const struct alert *alert, const struct schema *schema, struct buffer *out)
{
    bool has_event_time = false;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        append_name(field->name, out);
        if (strcmp(field->name, schema->event_time) == 0) {
            append_event_time(alert->event_time_us, out);
            has_event_time = true;
        } else {
            buffer_append_value(out, field, &alert->values[i]);
        }
        buffer_append_char(out, ',');
    }
    if (has_event_time)
        return;
    append_name(schema->event_time, out);
    append_event_time(alert->event_time_us, out);
    buffer_append_char(out, ',');
}

static void append_texts(const struct alert *alert, const struct detector *detector, struct buffer *out)
{
    struct buffer text = {0};
    for (size_t i = 0; i < alert->hit_count; i++) {
        buffer_clear(&text);
        rule_message_append(detector->rules[alert->hits[i].rule].message, &detector->source->schema, alert->values,
                            alert->hits[i].count, &text);
        if (i > 0)
            buffer_append_char(out, ',');
        buffer_append_json(out, buffer_text(&text));
        out->failed |= text.failed;
    }
    buffer_clean_up(&text);
}

void alert_append_json(const struct alert *alert, const struct detector *detector, int32_t partition,
                       struct buffer *out)
{
    buffer_append_char(out, '{');
    append_fields(alert, &detector->source->schema, out);
    buffer_append_string(out, "\"alerts\":[");
    append_texts(alert, detector, out);
    buffer_appendf(out, "],\"detector\":\"%s\",\"alert_id\":\"%s/%d/%lld", detector->name, detector->name,
                   (int)partition, (long long)alert->offset);
    if (alert->cause != ALERT_NO_CAUSE)
        buffer_appendf(out, "/%lld", (long long)alert->cause);
    buffer_append_string(out, "\",\"evidence\":[");
    for (size_t i = 0; i < alert->evidence_count; i++)
        buffer_appendf(out, "%s{\"partition\":%d,\"offset\":%lld}", i > 0 ? "," : "", (int)partition,
                       (long long)alert->evidence[i]);
    buffer_append_string(out, "]}");
}

static bool has_values(const struct alert *alert, const struct rule *rule)
{
    for (size_t i = 0; i < rule->by_count; i++)
        if (!alert->values[rule->by[i]].present)
            return false;
    return true;
}

static void append_plain(const struct field *field, const struct value *value, struct buffer *out)
{
    if (field->type == FIELD_TEXT)
        buffer_append_text(out, value->text);
    else
        buffer_append_value(out, field, value);
}

bool alert_append_key(const struct alert *alert, const struct detector *detector, struct buffer *out)
{
    const struct schema *schema = &detector->source->schema;
    const struct rule *rule = detector_first_velocity(detector);
    if (!rule || !has_values(alert, rule)) {
        if (schema->key != FIELD_NONE)
            append_plain(&schema->fields[schema->key], &alert->values[schema->key], out);
        return schema->key != FIELD_NONE;
    }
    if (rule->by_count == 1) {
        append_plain(&schema->fields[rule->by[0]], &alert->values[rule->by[0]], out);
        return true;
    }
    for (size_t i = 0; i < rule->by_count; i++) {
        buffer_append_char(out, i == 0 ? '[' : ',');
        buffer_append_value(out, &schema->fields[rule->by[i]], &alert->values[rule->by[i]]);
    }
    buffer_append_char(out, ']');
    return true;
}
