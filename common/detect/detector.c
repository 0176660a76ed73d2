/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detector.h"

#include <inttypes.h>
#include <stdio.h>

#define DEFINITION_FORMAT "1" /* raise it where the meaning of the same definition changes */

int64_t detector_reach_us(const struct detector *detector)
{
    int64_t longest = 0;
    for (size_t i = 0; i < detector->rule_count; i++)
        if (rule_is_velocity(&detector->rules[i]) && detector->rules[i].within_us > longest)
            longest = detector->rules[i].within_us;
    return detector->lateness_us + longest;
}

void detector_group(const struct detector *detector, const char *group, char ret_group[DETECTOR_GROUP_SIZE])
{
    (void)snprintf(ret_group, DETECTOR_GROUP_SIZE, "%s-%s", group, detector->name);
}

const struct rule *detector_first_velocity(const struct detector *detector)
{
    for (size_t i = 0; i < detector->rule_count; i++)
        if (rule_is_velocity(&detector->rules[i]))
            return &detector->rules[i];
    return NULL;
}

static void print_source(const struct source *source, struct buffer *out)
{
    const struct schema *schema = &source->schema;
    buffer_appendf(out, "format %s\ntopic %s duplicate %d max_future %" PRId64 "\n", DEFINITION_FORMAT, source->topic,
                   (int)source->on_duplicate, schema->max_future_us);
    schema_print(schema, out);
}

static void print_rule(const struct rule *rule, const struct schema *schema, struct buffer *out)
{
    if (!rule_is_velocity(rule)) {
        buffer_append_string(out, "when ");
        expression_print_sql(rule->when, schema, "", out);
    } else {
        buffer_appendf(out, "velocity %" PRId64 " %" PRId64, rule->more_than, rule->within_us);
        for (size_t i = 0; i < rule->by_count; i++)
            buffer_appendf(out, " %s", schema->fields[rule->by[i]].name);
    }
    buffer_append_char(out, '\n');
}

bool detector_fingerprint(struct detector *detector)
{
    struct buffer form = {0};
    print_source(detector->source, &form);
    buffer_appendf(&form, "lateness %" PRId64 "\n", detector->lateness_us);
    for (size_t i = 0; i < detector->rule_count; i++)
        print_rule(&detector->rules[i], &detector->source->schema, &form);
    return fingerprint_of(&form, detector->fingerprint);
}
