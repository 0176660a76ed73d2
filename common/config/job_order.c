/* SPDX-License-Identifier: Apache-2.0
 * Which jobs come after which. */
#include "config/assembly_steps.h"

#define JOBS_NAMED 64

static struct job *find_job(struct assembly *assembly, const struct yaml_node *map, struct job jobs[],
                            const struct yaml_node *name)
{
    const char *known[JOBS_NAMED];
    size_t count = 0;
    for (const struct yaml_node *entry = map->first; entry; entry = entry->next, count++) {
        if (text_equal(entry->key->text, name->text))
            return &jobs[count];
        known[count] = entry->key->text.data;
    }
    problem_add(assembly->reader.problems, name->location, "unknown job%s%s",
                name->expanded ? "" : shown_reference(name->text).text, option_suggest(name->text, known, count).text);
    return NULL;
}

static bool follows(const struct job *job, const struct job *other)
{
    for (size_t i = 0; i < job->after_count; i++)
        if (job->after[i] == other)
            return true;
    return false;
}

static void read_after(struct assembly *assembly, const struct yaml_node *map, const struct yaml_node *list,
                       struct job jobs[], struct job *job)
{
    const struct job **after = reader_allocate(&assembly->reader, list->count * sizeof *after);
    if (!after)
        return;
    job->after = after;
    if (list->count == 0)
        problem_add(assembly->reader.problems, list->location, "\"after\" must not be empty");
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        const struct job *found = item->kind == YAML_SCALAR ? find_job(assembly, map, jobs, item) : NULL;
        if (found && follows(job, found))
            problem_add(assembly->reader.problems, item->location, "the job \"%s\" is given twice", found->name);
        else if (found)
            after[job->after_count++] = found;
    }
}

/* Finds the depths of jobs that come after such jobs only, and sets a bit for each; what is left goes round in circles,
 * or comes after one that does. */
static uint64_t settle(struct job jobs[], size_t count)
{
    uint64_t settled = 0, before = 1;
    while (settled != before) {
        before = settled;
        for (size_t i = 0; i < count; i++) {
            bool is_free = true;
            for (size_t j = 0; j < jobs[i].after_count; j++) {
                const struct job *after = jobs[i].after[j];
                is_free &= (settled >> (after - jobs) & 1) != 0;
                jobs[i].depth = after->depth >= jobs[i].depth ? after->depth + 1 : jobs[i].depth;
            }
            settled |= (uint64_t)is_free << i;
        }
    }
    return settled;
}

/* The first job before this one that isn't settled. */
static const struct job *unsettled_before(const struct job jobs[], const struct job *job, uint64_t settled)
{
    for (size_t i = 0; i < job->after_count; i++)
        if (!(settled >> (job->after[i] - jobs) & 1))
            return job->after[i];
    return NULL;
}

/* Tells one circle: whoever walks back from a job that isn't settled comes into it in no more steps than there are
 * jobs. */
static void tell_circle(struct assembly *assembly, const struct yaml_node *map, const struct job jobs[], size_t count,
                        uint64_t settled)
{
    size_t number = 0;
    while (settled >> number & 1)
        number++;
    const struct job *job = &jobs[number];
    for (size_t i = 0; i < count; i++)
        job = unsettled_before(jobs, job, settled);
    struct buffer circle = {0};
    const char *link = " comes after ";
    const struct job *at = job;
    do {
        at = unsettled_before(jobs, at, settled);
        buffer_appendf(&circle, "%s%s", link, at->name);
        link = ", which comes after ";
    } while (at != job);
    const struct yaml_node *entry = map->first;
    for (const struct job *before = jobs; entry && before != job; before++)
        entry = entry->next;
    problem_add(assembly->reader.problems, option_location(entry, "after"),
                "jobs come after each other in a circle: %s%s", job->name, buffer_string(&circle));
    buffer_clean_up(&circle);
}

void job_order_read(struct assembly *assembly, const struct yaml_node *map, struct job jobs[])
{
    size_t count = 0;
    for (const struct yaml_node *entry = map->first; entry; entry = entry->next, count++) {
        const struct yaml_node *list = entry->kind == YAML_MAP ? yaml_find(entry, "after") : NULL;
        if (list && list->kind == YAML_LIST)
            read_after(assembly, map, list, jobs, &jobs[count]);
    }
    uint64_t settled = settle(jobs, count);
    if (count > 0 && settled != UINT64_MAX >> (64 - count))
        tell_circle(assembly, map, jobs, count, settled);
    for (size_t i = 0; i < count; i++)
        if (jobs[i].depth > assembly->settings.job_depth)
            assembly->settings.job_depth = jobs[i].depth;
}
