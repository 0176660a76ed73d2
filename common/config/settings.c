/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include <stdlib.h>

void settings_destroy(struct settings *settings)
{
    if (!settings)
        return;
    zone_list_clean_up(&settings->zones);
    arena_clean_up(&settings->arena);
    free(settings);
}

bool settings_have_batch_layer(const struct settings *settings)
{
    for (size_t i = 0; i < settings->source_count; i++)
        if (!settings->sources[i].is_stream_alone)
            return true;
    return false;
}

const struct source *settings_source(const struct settings *settings, struct text name)
{
    for (size_t i = 0; i < settings->source_count; i++)
        if (text_equal(name, text_of(settings->sources[i].name)))
            return &settings->sources[i];
    return NULL;
}

bool settings_have_redis(const struct settings *settings)
{
    bool is_read = false;
    for (size_t i = 0; i < settings->source_count; i++)
        is_read |= !settings->sources[i].is_batch_alone;
    return is_read || settings->redis.is_named;
}

const struct view *settings_view(const struct settings *settings, struct text name, const struct source **ret_source)
{
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct source *source = &settings->sources[i];
        for (size_t j = 0; j < source->view_count; j++) {
            if (source->views[j].shown || !text_equal(name, text_of(source->views[j].name)))
                continue;
            if (ret_source)
                *ret_source = source;
            return &source->views[j];
        }
    }
    return NULL;
}

const struct job *settings_job(const struct settings *settings, struct text name)
{
    for (size_t i = 0; i < settings->job_count; i++)
        if (text_equal(name, text_of(settings->jobs[i].name)))
            return &settings->jobs[i];
    return NULL;
}

const char *job_folder(const struct job *job)
{
    return job->kind == JOB_ARCHIVE ? job->archive.write : job->kind == JOB_SUMMARISE ? job->summary.write : NULL;
}

const struct detector *settings_detector(const struct settings *settings, struct text name)
{
    for (size_t i = 0; i < settings->detector_count; i++)
        if (text_equal(name, text_of(settings->detectors[i].name)))
            return &settings->detectors[i];
    return NULL;
}

bool job_has_days(const struct job *job)
{
    return job->kind == JOB_SUMMARISE || (job->kind == JOB_QUERY && job->query.has_day);
}

bool job_takes_handed_days(const struct job *job)
{
    return job->kind == JOB_SUMMARISE || (job->kind == JOB_QUERY && job->query.has_day && job->query.table);
}
