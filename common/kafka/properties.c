/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "kafka/member.h"
#include "kafka/transaction_writer.h"

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

/* --- together --- */

static bool is_set_to(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[64];
    size_t size = sizeof text;
    return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK && strcmp(text, value) == 0;
}

/* Gives the client the name that it needs; and a client with Kerberos or a token would begin to fetch it at once. */
static void prepare(rd_kafka_conf_t *conf, void *context)
{
    const struct property *identity = context;
    rd_kafka_conf_set(conf, identity->name, identity->value, NULL, 0);
    if (!is_set_to(conf, "sasl.mechanisms", "GSSAPI") && !is_set_to(conf, "sasl.mechanisms", "OAUTHBEARER"))
        return;
    if (is_set_to(conf, "security.protocol", "sasl_ssl"))
        rd_kafka_conf_set(conf, "security.protocol", "ssl", NULL, 0);
    else if (is_set_to(conf, "security.protocol", "sasl_plaintext"))
        rd_kafka_conf_set(conf, "security.protocol", "plaintext", NULL, 0);
}

static bool can_be_made(rd_kafka_type_t type, const struct kafka_access *access, struct error *error)
{
    bool is_consumer = type == RD_KAFKA_CONSUMER;
    struct property identity = {is_consumer ? "group.id" : "transactional.id", "check"};
    rd_kafka_t *client = kafka_client_new(type, access, is_consumer ? kafka_consumer_defaults : kafka_writer_defaults,
                                          prepare, &identity, error);
    if (client)
        rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return client != NULL;
}

/* How many letters of the name's beginning the text has: all where it speaks of the property. */
static size_t letters_mentioned(const char *name, const char *text)
{
    size_t most = 0;
    for (; *text; text++) {
        size_t length = 0;
        while (name[length] && strncasecmp(name, text, length + 1) == 0)
            length++;
        most = length > most ? length : most;
    }
    return most;
}

static size_t most_to_blame(const struct property properties[], size_t count, const char *reason)
{
    size_t blamed = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t letters = letters_mentioned(properties[i].name, reason);
        if (letters > most) {
            most = letters;
            blamed = i;
        }
    }
    return blamed;
}

bool kafka_properties_check(const struct property properties[], size_t count, size_t *ret_number,
                            struct property_fault *ret_fault)
{
    struct kafka_access access = {.brokers = "", .properties = properties, .property_count = count};
    struct error error = {0};
    if (can_be_made(RD_KAFKA_CONSUMER, &access, &error) && can_be_made(RD_KAFKA_PRODUCER, &access, &error))
        return true;
    struct text words = text_of(error.message), prefix = text_of("kafka: ");
    if (words.length > prefix.length && memcmp(words.data, prefix.data, prefix.length) == 0)
        words.data += prefix.length;
    *ret_number = most_to_blame(properties, count, words.data);
    *ret_fault = (struct property_fault){0};
    (void)snprintf(ret_fault->reason, sizeof ret_fault->reason, "%.*s", (int)sizeof ret_fault->reason - 1, words.data);
    trim(ret_fault->reason);
    return false;
}
