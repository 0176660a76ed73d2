/* SPDX-License-Identifier: Apache-2.0 */
#include "detector/backtest.h"
#include "kafka/properties.h"
#include "postgres/url.h"
#include "program/program.h"
#include "redis/address.h"
#include "detector/reset.h"
#include "forget.h"
#include "replay.h"
#include "speed.h"

static const char *until_end, *detector, *from, *to, *other_definitions, *yes, *replayed, *accept_partitions;

static int run(void *settings, char *arguments[])
{
    (void)arguments;
    return speed_run(settings, until_end != NULL);
}

static int probe(void *settings, char *arguments[])
{
    (void)arguments;
    return speed_probe(settings);
}

static int run_reset(void *settings, char *arguments[])
{
    (void)arguments;
    return detector_reset(settings, detector, from);
}

static const struct command_option reset_options[] = {
    {"detector", "NAME", "which detector", &detector},
    {"from", "end|beginning", "what it judges from now on", &from},
    {0},
};

static int run_backtest(void *settings, char *arguments[])
{
    (void)arguments;
    return detector_backtest(settings, detector, from, to);
}

static const struct command_option backtest_options[] = {
    {"detector", "NAME", "which detector", &detector},
    {"from", "TIME", "judge what came from this record time on (the log's beginning)", &from},
    {"to", "TIME", "and before this one (the log's end)", &to},
    {0},
};

static int run_forget(void *settings, char *arguments[])
{
    (void)arguments;
    return speed_forget(settings, other_definitions != NULL, yes != NULL);
}

static const struct command_option forget_options[] = {
    {"other-definitions", NULL, "the slots of all definitions of the sources but the configured ones",
     &other_definitions},
    {"yes", NULL, "without asking at a terminal", &yes},
    {0},
};

static int run_replay(void *settings, char *arguments[])
{
    (void)arguments;
    return speed_replay(settings, replayed, accept_partitions != NULL);
}

static const struct command_option replay_options[] = {
    {"source", "SOURCE", "this one alone", &replayed},
    {"accept-partitions", NULL,
     "the topic of a source with batch: none has grown, and no order has versions in two partitions",
     &accept_partitions},
    {0},
};

static const struct command_option run_options[] = {
    {"until-end", NULL, "end with 0 once all partitions are committed up to the ends they had at the start",
     &until_end},
    {0},
};

static const struct command commands[] = {
    {.name = "run",
     .summary = "Follow the topics and keep the real-time views in Redis.",
     .run = run,
     .options = run_options,
     .serves = true,
     .finishes = &until_end},
    {.name = "replay",
     .summary = "Read the topics again from their start, into slots beside those that are in use.",
     .run = run_replay,
     .options = replay_options},
    {.name = "probe", .summary = "Say whether what runs does its work: exit code 0, else 1.", .run = probe},
    {.name = "backtest",
     .summary = "Print what a detector, as it is configured now, would have alerted.",
     .run = run_backtest,
     .options = backtest_options},
    {.name = "reset",
     .summary = "Say where a detector goes on that has lost its positions, or is to judge again.",
     .run = run_reset,
     .options = reset_options},
    {.name = "forget",
     .summary = "Remove from Redis what files that were in use before have left.",
     .run = run_forget,
     .options = forget_options},
    {0},
};

static const struct program_description description = {
    .name = "tidemark-speed",
    .summary = "The speed layer of Tidemark: real-time views of what came after the last batch run.",
    .commands = commands,
    .checks = {.kafka_property = kafka_property_check,
               .kafka_properties = kafka_properties_check,
               .redis_url = redis_url_check,
               .postgres_url = postgres_url_check},
};

int main(int argc, char *argv[])
{
    return program_main(&description, argc, argv);
}
