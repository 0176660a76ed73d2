/* SPDX-License-Identifier: Apache-2.0
 * `jobs:` of the file. */
#include <stddef.h>

#include "config/assembly_steps.h"

#define JOBS_MAX 64

struct written_job {
    const struct yaml_node *schedule, *sources;
};

const struct option job_options[] = {
    {.key = "schedule",
     .type = &option_scalar,
     .offset = offsetof(struct written_job, schedule),
     .required = true,
     .meaning =
         "A cron line of five fields (minute, hour, day of month, month, day of week) in the file's `time_zone`.",
     .example = "\"0 2 * * *\""},
    {.key = "sources",
     .type = &option_list,
     .offset = offsetof(struct written_job, sources),
     .meaning = "The sources of which all views are published; all of them without it.",
     .example = "[orders]"},
    {.key = NULL},
};

static bool is_given(const struct job *job, const struct source *source)
{
    for (size_t i = 0; i < job->source_count; i++)
        if (job->sources[i] == source)
            return true;
    return false;
}

static void take_listed(struct assembly *assembly, const struct yaml_node *list, const struct source *taken[],
                        struct job *job)
{
    if (list->count == 0)
        problem_add(assembly->reader.problems, list->location, "\"sources\" must not be empty");
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        size_t number = assembly_find_source(assembly, item);
        if (number == SIZE_MAX)
            continue;
        if (is_given(job, &assembly->sources[number]))
            problem_add(assembly->reader.problems, item->location, "the source \"%s\" is given twice", item->text.data);
        else
            taken[job->source_count++] = &assembly->sources[number];
    }
}

static void read_sources(struct assembly *assembly, const struct yaml_node *list, struct job *job)
{
    size_t count = assembly->settings.source_count;
    const struct source **taken = reader_allocate(&assembly->reader, count * sizeof *taken);
    if (!taken)
        return;
    job->sources = taken;
    if (list) {
        take_listed(assembly, list, taken, job);
        return;
    }
    for (size_t i = 0; i < count; i++)
        taken[i] = &assembly->sources[i];
    job->source_count = count;
}

static void read_job(struct assembly *assembly, const struct yaml_node *entry, struct job *job)
{
    struct written_job written = {0};
    struct error error = {0};
    if (!assembly_check_name(assembly, entry) ||
        !option_expect(&assembly->reader, entry, YAML_MAP, "a map that describes the job"))
        return;
    options_read(&assembly->reader, job_options, entry, entry->key->location, &written);
    job->name = reader_copy(&assembly->reader, entry->key->text);
    if (written.schedule && !schedule_parse(written.schedule->text, &job->schedule, &error))
        assembly_problem(assembly, written.schedule->location, &error);
    read_sources(assembly, written.sources, job);
}

void jobs_assemble(struct assembly *assembly)
{
    const struct yaml_node *map = assembly->jobs_node;
    if (!map)
        return;
    if (map->count > JOBS_MAX) {
        problem_add(assembly->reader.problems, map->location, "at most %d jobs", JOBS_MAX);
        return;
    }
    struct job *jobs = reader_allocate(&assembly->reader, map->count * sizeof *jobs);
    size_t number = 0;
    for (const struct yaml_node *entry = map->first; entry && jobs; entry = entry->next)
        read_job(assembly, entry, &jobs[number++]);
    assembly->settings.jobs = jobs;
    assembly->settings.job_count = number;
}
