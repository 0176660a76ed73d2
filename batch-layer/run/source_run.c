/* SPDX-License-Identifier: Apache-2.0 */
#include "run/source_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "master/master.h"
#include "publication/publisher.h"
#include "run/log_check.h"

static bool find_partitions(struct source_run *run, struct error *error)
{
    struct event_log *log = run->batch->log;
    int32_t count;
    if (!log->operations->partition_count(log, run->source->topic, &count, error))
        return false;
    if (count == 0)
        return error_set(error, ERROR_TRY_AGAIN, "source %s: its topic %s doesn't exist yet", run->source->name,
                         run->source->topic);
    if (count > PARTITIONS_MAX)
        return error_set(error, ERROR_CONFIGURATION, "source %s: its topic %s has %d partitions; %d are supported",
                         run->source->name, run->source->topic, (int)count, PARTITIONS_MAX);
    run->partitions = calloc((size_t)count, sizeof *run->partitions);
    if (!run->partitions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    run->partition_count = (size_t)count;
    for (int32_t i = 0; i < count; i++)
        run->partitions[i].number = i;
    return true;
}

/* Whoever has the wrong address learns that first, whatever is or isn't there. The first run that finds the topic
 * notes its cluster for good. */
static bool find_log(struct source_run *run, struct error *error)
{
    struct batch *batch = run->batch;
    char cluster[CLUSTER_ID_MAX];
    if (!batch->publications->operations->read(batch->publications, run->source, &run->publication, error) ||
        !batch->log->operations->cluster(batch->log, cluster, error) ||
        !same_cluster_check(run->source, &run->publication, cluster, error) || !find_partitions(run, error) ||
        !kept_whole_check(batch, run->source, error))
        return false;
    if (*run->publication.cluster)
        return true;
    snprintf(run->publication.cluster, sizeof run->publication.cluster, "%s", cluster);
    return batch->master->note_cluster(batch, run->source, cluster, error);
}

/* What isn't published yet begins at the published cut, or with the partition. */
static void take_known(const struct source_run *run, struct run_partition *partition,
                       const struct ingested_partition *ingested)
{
    const struct published_partition *published = publication_partition(&run->publication, partition->number);
    partition->recorded = ingested->recorded;
    partition->first = partition->begins = ingested->first;
    partition->ingested = ingested->next;
    partition->held = ingested->held;
    if (!published)
        return;
    partition->published = true;
    partition->begins = published->cut;
    partition->clock_us = published->clock_us;
    partition->untimed_us = published->untimed_us;
    partition->idle_us = published->idle_us;
    partition->unread = published->unread;
    partition->last = published->last;
    partition->last_hash = published->last_hash;
}

static bool read_partitions(struct source_run *run, struct error *error)
{
    size_t known;
    struct ingested_partition *ingested = calloc(run->partition_count, sizeof *ingested);
    bool done = ingested ? run->batch->master->read_partitions(run->batch, run->source, ingested, run->partition_count,
                                                               &known, error)
                         : error_set(error, ERROR_INTERNAL, "out of memory");
    if (done && known > run->partition_count)
        done = error_set(error, ERROR_CONFIGURATION,
                         "source %s: its topic %s has %zu partitions and had partition %zu: it was made anew",
                         run->source->name, run->source->topic, run->partition_count, known - 1);
    for (size_t i = 0; done && i < run->partition_count; i++)
        take_known(run, &run->partitions[i], &ingested[i]);
    free(ingested);
    return done;
}

bool source_run_begin(struct source_run *run, struct batch *batch, const struct source *source, const char *kind,
                      struct error *error)
{
    *run = (struct source_run){.batch = batch, .source = source, .id = -1};
    return batch->publisher->begin_record(batch, source, kind, &run->id, error) &&
           batch->master->prepare(batch, source, error) && find_log(run, error) && read_partitions(run, error);
}

void source_run_end(struct source_run *run, const char *outcome, const struct error *failure)
{
    if (run->id >= 0 && failure)
        run->batch->publisher->end_record(run->batch, run->id, "failed", failure->message, run->messages);
    else if (run->id >= 0 && outcome)
        run->batch->publisher->end_record(run->batch, run->id, outcome, NULL, run->messages);
    publication_clean_up(&run->publication);
    free(run->partitions);
    run->partitions = NULL;
    run->partition_count = 0;
}
