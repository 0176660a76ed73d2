/* SPDX-License-Identifier: Apache-2.0
 * `jobs:` of the file. */
#include <stddef.h>

#include "config/assembly_steps.h"

#define JOBS_MAX 64
#define SECOND_US INT64_C(1000000)
#define DAY_US (INT64_C(86400) * SECOND_US)

struct written_job {
    const struct yaml_node *schedule, *sources, *archive, *summarize, *after;
    int64_t retries, timeout_us, catch_up_us;
    struct written_summary summary;
    struct written_query query;
};

#define AT_SUMMARY(member) .offset = offsetof(struct written_job, summary.member)
#define AT_QUERY(member) .offset = offsetof(struct written_job, query.member)

static const struct option replace_options[] = {
    {.key = "table",
     .type = &option_scalar,
     AT_QUERY(table),
     .meaning = "The table that the query writes, as in SQL.",
     .example = "analytics.daily_revenue"},
    {.key = "where",
     .type = &option_scalar,
     AT_QUERY(where),
     .meaning = "A condition of SQL for its rows of the day. `:date` is the day.",
     .example = "\"date = :date\""},
    {.key = NULL},
};

const struct option job_options[] = {
    {.key = "schedule",
     .type = &option_scalar,
     .offset = offsetof(struct written_job, schedule),
     .meaning =
         "A cron line of five fields (minute, hour, day of month, month, day of week) in the file's `time_zone`, or "
         "`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Without it, and without `after`, the job runs when "
         "`tidemark-batch run JOB` asks it to.",
     .example = "\"0 2 * * *\""},
    {.key = "after",
     .type = &option_list,
     .offset = offsetof(struct written_job, after),
     .meaning = "Jobs that this one follows: it runs once each has had its latest run that was due by then, and is "
                "skipped where one failed, until that has run well. Without a `schedule` it runs whenever they have.",
     .example = "[nightly]"},
    {.key = "retries",
     .type = &option_integer,
     .offset = offsetof(struct written_job, retries),
     .minimum = 0,
     .maximum = 100,
     .fallback = "2",
     .meaning = "How often the schedule begins a run again that failed, after a second, two, and so on up to five "
                "minutes. A server that is down and another run at work aren't failures: they are waited for.",
     .example = "3"},
    {.key = "timeout",
     .type = &option_duration,
     .offset = offsetof(struct written_job, timeout_us),
     .minimum = SECOND_US,
     .maximum = 30 * DAY_US,
     .fallback = "6 hours",
     .meaning = "How long a run may take, with all that it waits for; then it has failed.",
     .example = "1 hour"},
    {.key = "catch_up",
     .type = &option_duration,
     .offset = offsetof(struct written_job, catch_up_us),
     .minimum = SECOND_US,
     .maximum = 3660 * DAY_US,
     .meaning = "How far back a schedule that wasn't there makes up for the days that it missed, each once, and for "
                "how long a skipped run may still run. Without it only the latest is made up for.",
     .example = "7 days"},
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
     .meaning = "What computes a summary of files: `native`, of NDJSON and CSV without joins, on all processors and "
                "within `batch.memory`; `duckdb`, of all formats and with joins, on one machine; `spark`, of Parquet "
                "and with joins, on a cluster. Without it, that is native where it can, else duckdb. The same files "
                "give the same rows, to the digit, by each that takes them.",
     .example = "native"},
    {.key = "allow_empty",
     .type = &option_boolean,
     AT_SUMMARY(allow_empty),
     .fallback = "false",
     .meaning =
         "Whether a day on which no order counts is written, too; else the job fails, and the folder stays as it "
         "was. Such a day needs no folder to be read where the path says `{date}` and the folder in front of it is "
         "there: an archive makes none for a day without messages.",
     .example = "true"},
    {.key = "query",
     .type = &option_scalar,
     AT_QUERY(statement),
     .meaning = "One statement of SQL that PostgreSQL runs for a business day: `:date` is the day, `CURRENT_DATE` the "
                "next one. It runs in one transaction with `replace` and with the record of the run, in the file's "
                "`time_zone`. Without `:date` and `CURRENT_DATE` it is of no day.",
     .example = "INSERT INTO analytics.daily_revenue SELECT date, SUM(amount), COUNT(*) FROM live.orders "
                "WHERE date = :date GROUP BY date"},
    {.key = "create",
     .type = &option_scalar,
     AT_QUERY(create),
     .meaning = "A statement CREATE TABLE that is run where that table isn't there; its schema is made too.",
     .example = "CREATE TABLE analytics.daily_revenue (date date PRIMARY KEY, revenue numeric, orders bigint)"},
    {.key = "replace",
     .type = &option_section,
     .options = replace_options,
     .meaning = "Rows that are deleted before the query runs, so that it can run again."},
    {.key = "repeatable",
     .type = &option_boolean,
     AT_QUERY(is_repeatable),
     .fallback = "false",
     .meaning = "Says that a query without `replace` may run once more for a day, and changes nothing by that.",
     .example = "true"},
    {.key = "clock",
     .type = &option_boolean,
     AT_QUERY(takes_clocks),
     .fallback = "false",
     .meaning = "Whether the query may ask for the time, as `now()` does: it is another one each time that it runs.",
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
        if (!assembly_check_batch_layer(assembly, item, &assembly->sources[number]))
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
        if (!assembly->sources[i].is_stream_alone)
            taken[job->source_count++] = &assembly->sources[i];
}

/* The key that says that a job is of a kind, and what such a job does. */
static const struct kind_words {
    const char *key, *does;
} kinds[] = {
    [JOB_PUBLISH] = {"sources", "publishes"},
    [JOB_ARCHIVE] = {"archive", "archives messages"},
    [JOB_SUMMARISE] = {"summarise", "summarises files"},
    [JOB_QUERY] = {"query", "runs a query"},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Keys that only jobs of some kinds have. */
static const struct kind_key {
    const char *key;
    unsigned kinds; /* a bit for each */
    const char *told;
} kind_keys[] = {
    {"read", 1u << JOB_SUMMARISE, "summarise"},
    {"joins", 1u << JOB_SUMMARISE, "summarise"},
    {"partition_by", 1u << JOB_SUMMARISE, "summarise"},
    {"version", 1u << JOB_SUMMARISE, "summarise"},
    {"engine", 1u << JOB_SUMMARISE, "summarise"},
    {"allow_empty", 1u << JOB_SUMMARISE, "summarise"},
    {"write", 1u << JOB_ARCHIVE | 1u << JOB_SUMMARISE, "archive\" or \"summarise"},
    {"create", 1u << JOB_QUERY, "query"},
    {"replace", 1u << JOB_QUERY, "query"},
    {"repeatable", 1u << JOB_QUERY, "query"},
    {"clock", 1u << JOB_QUERY, "query"},
};

/* The first key that only jobs of other kinds have is told. */
static bool check_keys(struct assembly *assembly, const struct yaml_node *entry, enum job_kind kind)
{
    for (const struct yaml_node *node = entry->first; node; node = node->next)
        for (size_t i = 0; i < sizeof kind_keys / sizeof kind_keys[0]; i++) {
            if (kind_keys[i].kinds >> kind & 1 || !text_equal(node->key->text, text_of(kind_keys[i].key)))
                continue;
            problem_add(assembly->reader.problems, node->key->location, "\"%s\" belongs to a job with \"%s\"",
                        kind_keys[i].key, kind_keys[i].told);
            return false;
        }
    return true;
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
    const struct yaml_node *const said[KINDS] = {
        [JOB_PUBLISH] = written->sources,
        [JOB_ARCHIVE] = written->archive,
        [JOB_SUMMARISE] = written->summary.view,
        [JOB_QUERY] = written->query.statement,
    };
    size_t kind = JOB_PUBLISH, before = KINDS;
    for (size_t i = 0; i < KINDS; i++)
        if (said[i]) {
            before = said[kind] && kind != i ? kind : before;
            kind = i;
        }
    *ret_kind = (enum job_kind)kind;
    if (before == KINDS)
        return check_keys(assembly, entry, *ret_kind);
    problem_add(problems, said[before]->location,
                "a job is of one kind: with \"%s\" it %s, with \"%s\" it %s; make two jobs of it", kinds[before].key,
                kinds[before].does, kinds[kind].key, kinds[kind].does);
    return false;
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
    job->retries = written.retries;
    job->timeout_us = written.timeout_us;
    job->catch_up_us = written.catch_up_us;
    job->has_schedule = written.schedule != NULL;
    if (written.schedule && !schedule_parse(written.schedule->text, &job->schedule, &error))
        assembly_problem(assembly, written.schedule->location, &error);
    if (!check_kind(assembly, entry, &written, &job->kind))
        return;
    if (job->kind == JOB_ARCHIVE)
        archive_read(assembly, entry, written.archive, written.summary.write, &job->archive);
    else if (job->kind == JOB_SUMMARISE)
        summary_read(assembly, entry, &written.summary, &job->summary);
    else if (job->kind == JOB_QUERY)
        query_read(assembly, entry, &written.query, &job->query);
    else
        read_sources(assembly, written.sources, job);
}

void jobs_assemble(struct assembly *assembly)
{
    const struct yaml_node *map = assembly->jobs_node;
    struct problems *problems = assembly->reader.problems;
    if (!map)
        return;
    if (map->count > 0 && assembly->settings.source_count > 0 && !settings_have_batch_layer(&assembly->settings)) {
        problem_add(problems, map->first->key->location,
                    "each source says batch: none, and jobs are the batch layer's: leave \"jobs\" out, or that line "
                    "out of a source");
        return;
    }
    if (map->count > JOBS_MAX) {
        problem_add(problems, map->location, "at most %d jobs", JOBS_MAX);
        return;
    }
    struct job *jobs = reader_allocate(&assembly->reader, map->count * sizeof *jobs);
    size_t number = 0;
    for (const struct yaml_node *entry = map->first; entry && jobs; entry = entry->next)
        read_job(assembly, entry, &jobs[number++]);
    if (!jobs)
        return;
    job_folders_check(assembly, map, jobs);
    job_order_read(assembly, map, jobs);
    assembly->settings.jobs = jobs;
    assembly->settings.job_count = number;
}
