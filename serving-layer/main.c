/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "access.h"
#include "emit/emit.h"
#include "kafka/properties.h"
#include "postgres/url.h"
#include "program/program.h"
#include "redis/address.h"
#include "serving.h"

static int run(void *settings, char *arguments[])
{
    (void)arguments;
    return serving_run(settings);
}

/* Of the command line. */
static struct emit_request emission;

static int emit(void *settings, char *arguments[])
{
    (void)arguments;
    return emit_run(settings, &emission);
}

static int probe(void *settings, char *arguments[])
{
    if (!arguments[0])
        return serving_probe(settings);
    if (strcmp(arguments[0], "emit") == 0)
        return emit_probe(settings);
    struct error error;
    error_set(&error, ERROR_USAGE, "probe asks the one that runs, or with the word emit the one that emits");
    return program_fail(&error);
}

static int token(void *settings, char *arguments[])
{
    (void)settings;
    return access_print_new_token(arguments[0]);
}

int main(int argc, char *argv[])
{
    static const struct command_option emit_options[] = {
        {"view", "VIEW", "only the sinks of this view", &emission.view},
        {"to", "TO", "only this sink, as its entry says it: console, kafka://TOPIC, …", &emission.to},
        {"once", NULL, "one micro-batch each; 75 where there is no state for it within a minute", &emission.once},
        {"restart", NULL, "make the sinks hold the present state as if they had been empty", &emission.restart},
        {0},
    };
    static const struct command commands[] = {
        {.name = "run", .summary = "answer queries over HTTP", .run = run, .serves = true},
        {.name = "emit",
         .summary = "write the rows of views to their sinks, in micro-batches",
         .run = emit,
         .options = emit_options,
         .serves = true,
         .finishes = &emission.once},
        {.name = "probe",
         .arguments = "[emit]",
         .optional_count = 1,
         .summary = "say whether the one that runs does its work: exit code 0, else 1",
         .run = probe,
         .asks_another = true},
        {.name = "token",
         .arguments = "NAME",
         .argument_count = 1,
         .summary = "make a token for who asks, and print it with its entry for http.tokens_file",
         .run = token,
         .stands_alone = true,
         .prints = true},
        {0},
    };
    static const struct program_description program = {
        .name = "tidemark-serving",
        .summary = "answers views over HTTP: batch and real time together",
        .commands = commands,
        .checks = {.kafka_property = kafka_property_check,
                   .kafka_properties = kafka_properties_check,
                   .redis_url = redis_url_check,
                   .postgres_url = postgres_url_check,
                   .certificate = serving_check_certificate,
                   .files = serving_check_files},
    };
    return program_main(&program, argc, argv);
}
