/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/properties.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/command.h"

#define NAMES_MAX 512 /* librdkafka 2.0 has 220 */

/* librdkafka's table of properties for people, of which each line is a name, bars, and what is between them. Unlike
 * rd_kafka_conf_dump it has those without a default, too. */
static char *table_of_properties(void)
{
    char *table = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&table, &size);
    if (!out)
        return NULL;
    rd_kafka_conf_properties_show(out);
    if (fclose(out) == 0)
        return table;
    free(table);
    return NULL;
}

/* The name that a line of the table is about, cut off in place; NULL where it is about none that a file can set. */
static char *name_of_line(char *line)
{
    size_t length = strcspn(line, " ");
    bool is_row = length > 0 && strstr(line, " | ") && line[length + strspn(line + length, " ")] == '|';
    if (!is_row || strstr(line, "see dedicated API"))
        return NULL;
    line[length] = '\0';
    return line;
}

/* Puts the name that was probably meant behind the reason. */
static void append_meant(const char *name, char *reason, size_t size)
{
    const char *names[NAMES_MAX];
    size_t count = 0, length = strlen(reason);
    char *table = table_of_properties(), *rest = NULL;
    for (char *line = table ? strtok_r(table, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
        names[count] = name_of_line(line);
        if (names[count] && ++count == NAMES_MAX)
            break;
    }
    const char *near = nearest_word(name, names, count);
    if (near)
        (void)snprintf(reason + length, size - length, "; did you mean \"%s\"?", near);
    free(table);
}

/* True where librdkafka has made another whole number of a value that begins like one: 30 of "30 s", 8 of "010". */
static bool is_misread(const rd_kafka_conf_t *conf, const struct property *property)
{
    char taken[64], *end;
    size_t size = sizeof taken;
    if (rd_kafka_conf_get(conf, property->name, taken, &size) != RD_KAFKA_CONF_OK ||
        strcmp(taken, property->value) == 0)
        return false;
    long long number = strtoll(taken, &end, 10);
    if (end == taken || *end != '\0')
        return false;
    double given = strtod(property->value, &end);
    return end != property->value && (*end != '\0' || given != (double)number);
}

static void trim(char *reason)
{
    size_t length = strlen(reason);
    while (length > 0 && (reason[length - 1] == '\n' || reason[length - 1] == '.'))
        reason[--length] = '\0';
}

static bool judge(rd_kafka_conf_t *conf, const struct property *property, struct property_fault *fault)
{
    char *reason = fault->reason;
    size_t size = sizeof fault->reason;
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, property->name, property->value, reason, size);
    trim(reason);
    fault->is_unknown = result == RD_KAFKA_CONF_UNKNOWN;
    if (fault->is_unknown)
        append_meant(property->name, reason, size);
    else if (result == RD_KAFKA_CONF_OK && is_misread(conf, property))
        (void)snprintf(reason, size, "Value \"%s\" for configuration property \"%s\" is not a number", property->value,
                       property->name);
    else
        return result == RD_KAFKA_CONF_OK;
    return false;
}

bool kafka_property_check(const struct property *property, struct property_fault *ret_fault)
{
    struct property_fault fault = {0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool is_fine = judge(conf, property, &fault);
    rd_kafka_conf_destroy(conf);
    if (!is_fine)
        *ret_fault = fault;
    return is_fine;
}
