/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "master/master.h"
#include "program/program.h"
#include "publication/publisher.h"

#define GAPS_SHOWN 20
#define RUNS_SHOWN 5

/* Where the log ends; -1 where it can't be asked. */
static int64_t log_end(struct batch *batch, const struct source *source, int32_t partition, bool *warned)
{
    int64_t first, end;
    struct error error = {0};
    if (batch->log->operations->ends(batch->log, source->topic, partition, &first, &end, &error))
        return end;
    if (!*warned)
        log_warning("%s", error.message);
    *warned = true;
    return -1;
}

static void print_number(int64_t number)
{
    if (number < 0)
        printf(" %14s", "-");
    else
        printf(" %14" PRId64, number);
}

static void print_partition(struct batch *batch, const struct source *source, int32_t number,
                            const struct ingested_partition *ingested, const struct published_partition *published,
                            bool *warned)
{
    int64_t cut = published ? published->cut : -1;
    int64_t end = log_end(batch, source, number, warned);
    printf("  %9d", (int)number);
    print_number(ingested->first);
    print_number(cut);
    print_number(ingested->next);
    print_number(end);
    print_number(end < 0 ? -1 : end - (cut < 0 ? ingested->first : cut));
    putchar('\n');
}

static bool print_partitions(struct batch *batch, const struct source *source, const struct publication *publication,
                             struct error *error)
{
    size_t count, known;
    if (!batch->master->read_partitions(batch, source, NULL, 0, &count, error))
        return false;
    struct ingested_partition *partitions = calloc(count + 1, sizeof *partitions);
    if (!partitions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = batch->master->read_partitions(batch, source, partitions, count, &known, error), warned = false;
    if (done && count > 0)
        printf("  %9s %14s %14s %14s %14s %14s\n", "partition", "first", "cut", "ingested", "log end", "not published");
    for (size_t i = 0; done && i < count; i++)
        if (partitions[i].recorded)
            print_partition(batch, source, (int32_t)i, &partitions[i], publication_partition(publication, (int32_t)i),
                            &warned);
    free(partitions);
    return done;
}

static void print_publication(const struct source *source, const struct publication *publication)
{
    const struct ledger *ledger = &publication->ledger;
    struct buffer at = {0};
    buffer_append_timestamp(&at, publication->published_at_us);
    printf("source %s, topic %s\n", source->name, source->topic);
    if (publication->epoch == 0)
        printf("  nothing is published yet\n");
    else
        printf("  epoch %" PRId64 ", published %s\n  ledger: consumed %" PRId64 " = kept %" PRId64
               " + replaced %" PRId64 " + duplicate %" PRId64 " + bad %" PRId64 "\n",
               publication->epoch, buffer_string(&at), ledger->consumed, ledger->kept, ledger->replaced,
               ledger->duplicate, ledger->bad);
    for (size_t i = 0; publication->epoch > 0 && i < source_shown_count(source); i++) {
        const char *published = publication->view_fingerprints[i];
        printf("  view %s: counted %" PRId64 ", filtered %" PRId64 ", late %" PRId64 "%s\n", source->views[i].name,
               ledger->views[i].counted, ledger->views[i].filtered, ledger->views[i].late,
               !*published                                            ? " (not published yet)"
               : strcmp(published, source->views[i].fingerprint) != 0 ? " (published with another definition)"
                                                                      : "");
    }
    buffer_clean_up(&at);
}

static void print_gap(void *context, const struct master_gap *gap)
{
    (void)context;
    bool accepted = *gap->accepted_at;
    printf("  gap: partition %d lost offsets %" PRId64 " until %" PRId64 ", noted %s, %s%s\n", (int)gap->partition,
           gap->from, gap->to, gap->noted_at, accepted ? "accepted " : "not accepted (run --accept-gaps)",
           gap->accepted_at);
}

static void print_split(const struct publication *publication)
{
    if (publication->split_orders)
        printf("  alarm: %" PRId64 " orders have versions in two partitions, and count in each\n",
               publication->split_orders);
}

/* What the speed layer found lost after the cut; nothing where Redis can't be asked. */
static void print_live_gaps(struct batch *batch, const struct source *source, const struct publication *publication)
{
    for (size_t i = 0; i < publication->partition_count; i++) {
        const struct published_partition *published = &publication->partitions[i];
        struct slot slot;
        struct error error = {0};
        if (!batch->realtime->operations->read_slot(batch->realtime, slot_id_of(source, published->partition), &slot,
                                                    &error)) {
            log_warning("%s", error.message);
            if (error.code == ERROR_UNAVAILABLE)
                return;
            continue;
        }
        if (!slot_format_check(&slot, &error))
            printf("  alarm: partition %d stands still: its slot: %s\n", (int)published->partition, error.message);
        for (size_t k = 0; k < slot.gaps.count; k++)
            if (slot.gaps.ranges[k].to > published->cut)
                printf("  gap: partition %d lost offsets %" PRId64 " until %" PRId64
                       " before the speed layer read them; the next batch run has the last word\n",
                       (int)published->partition, slot.gaps.ranges[k].from, slot.gaps.ranges[k].to);
        if (*slot.alarm)
            printf("  alarm: partition %d stands still: %s\n", (int)published->partition, slot.alarm);
    }
}

static void print_unread(const struct source *source, const struct publication *publication)
{
    int64_t partitions = 0;
    for (size_t i = 0; !source->is_batch_alone && i < publication->partition_count; i++)
        partitions += publication->partitions[i].unread;
    if (partitions > 0)
        printf("  alarm: nobody read %" PRId64 " of %zu partitions when they were cut; is tidemark-speed running?\n",
               partitions, publication->partition_count);
}

static void print_run(void *context, const struct run_entry *run)
{
    (void)context;
    printf("  %s %s, %s: %s, %s messages, %s rows%s%s\n", run->kind, run->started_at, run->duration, run->outcome,
           run->messages, run->rows, *run->message ? ": " : "", run->message);
}

static bool print_source(struct batch *batch, const struct source *source, const struct publication *publication,
                         struct error *error)
{
    bool any = false;
    print_publication(source, publication);
    if (!batch->publisher->has_schema(batch, &any, error))
        return false;
    if (!any)
        return true;
    if (!print_partitions(batch, source, publication, error) ||
        !batch->master->read_gaps(batch, source, GAPS_SHOWN, print_gap, NULL, error))
        return false;
    print_split(publication);
    print_unread(source, publication);
    print_live_gaps(batch, source, publication);
    return batch->publisher->read_records(batch, source, RUNS_SHOWN, print_run, NULL, error);
}

bool status_source(struct batch *batch, const struct source *source, struct error *error)
{
    struct publication publication;
    if (!batch_connect(batch, error) ||
        !batch->publications->operations->read(batch->publications, source, &publication, error))
        return false;
    bool done = print_source(batch, source, &publication, error);
    publication_clean_up(&publication);
    return done;
}
