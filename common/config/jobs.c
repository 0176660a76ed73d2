/* SPDX-License-Identifier: Apache-2.0
 * `jobs:` of the file. */
#include <stddef.h>

#include "config/assembly_steps.h"

#define JOBS_MAX 64

struct written_job {
    const struct yaml_node *schedule, *sources, *archive, *summarize;
    struct written_summary summary;
};

#define AT_SUMMARY(member) .offset = offsetof(struct written_job, summary.member)

const struct option job_options[] = {
    {.key = "schedule",
     .type = &option_scalar,
     .offset = offsetof(struct written_job, schedule),
     .meaning =
         "A cron line of five fields (minute, hour, day of month, month, day of week) in the file's `time_zone`. "
         "Without it the job runs when `tidemark-batch run JOB` asks it to.",
     .example = "\"0 2 * * *\""},
    {.key = "sources",
     .type = &option_list,
     .offset = offsetof(struct written_job, sources),
     .meaning = "The sources of which all views are published; all of them without it.",
     .example = "[orders]"},
    {.key = "archive",
     .type = &option_scalar,
     .offset = offsetof(struct written_job, archive),
     .meaning =
         "A source: the job writes its messages of a business day, as they are below the published cut, into a "
         "file of Parquet. Besides the fields it has `timestamp`, the event time; `tm_partition` and `tm_offset`; "
         "and `tm_live`, whether this version of its order counts.",
     .example = "orders"},
    {.key = "summarise",
     .type = &option_scalar,
     AT_SUMMARY(view),
     .meaning = "A view, with a window of a day in the file's `time_zone`: the job makes its rows of a business day's "
                "files, by its source's fields and rules. Also spelt `summarize`.",
     .example = "daily_summary"},
    {.key = "summarize",
     .type = &option_scalar,
     .offset = offsetof(struct written_job, summarize),
     .meaning = "As `summarise`."},
    {.key = "read",
     .type = &option_scalar,
     AT_SUMMARY(read),
     .meaning = "The folder of the day's files, which are a log in the order of their names; `{date}` stands for the "
                "day, as 2025-03-15. Files and folders whose names begin with `_` or `.` are passed over.",
     .example = "lake/raw/orders/date={date}/"},
    {.key = "joins",
     .type = &summary_joins_type,
     AT_SUMMARY(joins),
     .options = summary_join_options,
     .meaning = "Folders from which fields come that the day's files don't have: from the first that has it. At most "
                "16.",
     .example = "[{ read: lake/silver/products/, on: product_id }]"},
    {.key = "write",
     .type = &option_scalar,
     AT_SUMMARY(write),
     .meaning = "The folder that is made of the day, and put in place as a whole.",
     .example = "lake/gold/daily_summary/date={date}/"},
    {.key = "partition_by",
     .type = &option_list,
     AT_SUMMARY(partition_by),
     .meaning = "Dimensions by whose values there are folders below that of the day, as Hive and Spark name them.",
     .example = "[category]"},
    {.key = "version",
     .type = &option_text,
     AT_SUMMARY(version),
     .meaning = "The column of the day's files by which versions of an order come one after the other; where it is the "
                "same, and without it, that is the order of the files.",
     .example = "updated_at"},
    {.key = "engine",
     .type = &option_word,
     AT_SUMMARY(engine),
     .words = summary_engine_words,
     .fallback = "duckdb",
     .meaning = "What computes a summary of files."},
    {.key = "allow_empty",
     .type = &option_boolean,
     AT_SUMMARY(allow_empty),
     .fallback = "false",
     .meaning =
         "Whether a day on which no order counts is written, too; else the job fails, and the folder stays as it "
         "was.",
     .example = "true"},
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

/* The first key that only jobs of other kinds have, or NULL; *ret_kind is theirs. */
static const struct yaml_node *first_stray(const struct yaml_node *entry, enum job_kind kind, const char **ret_kind)
{
    static const char *const keys[] = {"read", "joins", "partition_by", "version", "engine", "allow_empty"};
    for (const struct yaml_node *node = entry->first; node && kind != JOB_SUMMARISE; node = node->next) {
        *ret_kind = "summarise";
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            if (text_equal(node->key->text, text_of(keys[i])))
                return node;
        *ret_kind = "archive\" or \"summarise";
        if (kind == JOB_PUBLISH && text_equal(node->key->text, text_of("write")))
            return node;
    }
    return NULL;
}

/* One key says which kind a job is. */
static bool check_kind(struct assembly *assembly, const struct yaml_node *entry, struct written_job *written,
                       enum job_kind *ret_kind)
{
    struct problems *problems = assembly->reader.problems;
    if (written->summarize && written->summary.view) {
        problem_add(problems, written->summarize->location, "\"summarise\" and \"summarize\" are the same key");
        return false;
    }
    written->summary.view = written->summary.view ? written->summary.view : written->summarize;
    const struct yaml_node *const kinds[] = {written->sources, written->archive, written->summary.view};
    static const char *const does[] = {"with \"sources\" it publishes", "with \"archive\" it archives messages",
                                       "with \"summarise\" it summarises files"};
    *ret_kind = written->summary.view ? JOB_SUMMARISE : written->archive ? JOB_ARCHIVE : JOB_PUBLISH;
    for (size_t i = 0; i < (size_t)*ret_kind; i++)
        if (kinds[i]) {
            problem_add(problems, kinds[i]->location, "a job is of one kind: %s, %s; make two jobs of it", does[i],
                        does[*ret_kind]);
            return false;
        }
    const char *other;
    const struct yaml_node *stray = first_stray(entry, *ret_kind, &other);
    if (stray)
        problem_add(problems, stray->key->location, "\"%s\" belongs to a job with \"%s\"", stray->key->text.data,
                    other);
    return !stray;
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
    job->has_schedule = written.schedule != NULL;
    if (written.schedule && !schedule_parse(written.schedule->text, &job->schedule, &error))
        assembly_problem(assembly, written.schedule->location, &error);
    if (!check_kind(assembly, entry, &written, &job->kind))
        return;
    if (job->kind == JOB_ARCHIVE)
        archive_read(assembly, entry, written.archive, written.summary.write, &job->archive);
    else if (job->kind == JOB_SUMMARISE)
        summary_read(assembly, entry, &written.summary, &job->summary);
    else
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
    if (jobs)
        job_folders_check(assembly, map, jobs);
    assembly->settings.jobs = jobs;
    assembly->settings.job_count = number;
}
