/* SPDX-License-Identifier: Apache-2.0 */
#include "config/program.h"
#include "kafka/properties.h"
#include "postgres/url.h"
#include "redis/address.h"
#include "serving.h"

static int run(void *settings, char *arguments[])
{
    (void)arguments;
    return serving_run(settings);
}

static int probe(void *settings, char *arguments[])
{
    (void)arguments;
    return serving_probe(settings);
}

int main(int argc, char *argv[])
{
    static const struct command commands[] = {
        {.name = "run", .summary = "answer queries over HTTP", .run = run},
        {.name = "probe", .summary = "say whether the one that runs does its work: exit code 0, else 1", .run = probe},
        {0},
    };
    static const struct program_description program = {
        .name = "tidemark-serving",
        .summary = "answers views over HTTP: batch and real time together",
        .commands = commands,
        .checks = {kafka_property_check, kafka_properties_check, redis_url_check, postgres_url_check},
    };
    return program_main(&program, argc, argv);
}
