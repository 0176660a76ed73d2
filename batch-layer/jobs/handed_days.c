/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/handed_days.h"

#include <stdlib.h>

#include "database/changed_days.h"

static size_t maker_count(const struct job *job)
{
    size_t count = 0;
    for (size_t i = 0; i < job->after_count; i++)
        count += job->after[i]->kind == JOB_PUBLISH ? job->after[i]->source_count : 1;
    return count;
}

/* The sources of a job that publishes stand for it. */
static struct day_maker maker_at(const struct job *job, size_t number)
{
    for (size_t i = 0; i < job->after_count; i++) {
        const struct job *before = job->after[i];
        size_t count = before->kind == JOB_PUBLISH ? before->source_count : 1;
        if (number < count)
            return before->kind == JOB_PUBLISH ? (struct day_maker){false, before->sources[number]->name}
                                               : (struct day_maker){true, before->name};
        number -= count;
    }
    return (struct day_maker){true, job->name};
}

bool handed_days_visit(struct batch *batch, const struct job *job, day_visitor *visit, void *context,
                       struct error *error)
{
    bool done = true;
    for (size_t i = 0; done && i < maker_count(job); i++) {
        const struct day_maker maker = maker_at(job, i);
        struct changed_day *days = NULL;
        size_t count = 0;
        done = changed_days_read(batch->connection, &maker, job->name, &days, &count, error);
        for (size_t j = 0; done && j < count; j++)
            done = visit(context, days[j].day, error);
        free(days);
    }
    return done;
}

bool handed_day_look(struct batch *batch, const struct job *job, int64_t day, struct handed_day *ret_handed,
                     struct error *error)
{
    struct handed_day handed = {.count = maker_count(job)};
    handed.versions = calloc(handed.count + 1, sizeof *handed.versions);
    bool done = handed.versions || error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; done && i < handed.count; i++) {
        const struct day_maker maker = maker_at(job, i);
        done = changed_days_version(batch->connection, &maker, day, &handed.versions[i], error);
    }
    if (done)
        *ret_handed = handed;
    else
        handed_day_clean_up(&handed);
    return done;
}

bool handed_day_take(struct batch *batch, const struct job *job, int64_t day, const struct handed_day *handed,
                     struct error *error)
{
    for (size_t i = 0; i < handed->count; i++) {
        const struct day_maker maker = maker_at(job, i);
        const struct changed_day taken = {day, handed->versions[i]};
        if (taken.version > 0 && !changed_days_take(batch->connection, &maker, job->name, &taken, error))
            return false;
    }
    const struct day_maker itself = {true, job->name};
    return changed_days_note(batch->connection, &itself, day, error);
}

void handed_day_clean_up(struct handed_day *handed)
{
    free(handed->versions);
    *handed = (struct handed_day){0};
}
