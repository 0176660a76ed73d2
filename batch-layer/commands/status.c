/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/status.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "program/program.h"

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

static bool print_partitions(struct batch *batch, const struct source *source, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *rows = NULL;
    bool warned = false;
    if (!connection_query(batch->connection,
                          "select partition, first_offset, coalesce(cut, -1), ingested from tidemark.partition "
                          "where source = $1 order by partition",
                          1, values, &rows, error))
        return false;
    if (PQntuples(rows) > 0)
        printf("  %9s %14s %14s %14s %14s %14s\n", "partition", "first", "cut", "ingested", "log end", "not published");
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t first = result_integer(rows, row, 1), cut = result_integer(rows, row, 2);
        int64_t end = log_end(batch, source, (int32_t)result_integer(rows, row, 0), &warned);
        printf("  %9s", PQgetvalue(rows, row, 0));
        print_number(first);
        print_number(cut);
        print_number(result_integer(rows, row, 3));
        print_number(end);
        print_number(end < 0 ? -1 : end - (cut < 0 ? first : cut));
        putchar('\n');
    }
    return true;
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
    for (size_t i = 0; publication->epoch > 0 && i < source->view_count; i++) {
        const char *published = publication->view_fingerprints[i];
        printf("  view %s: counted %" PRId64 ", filtered %" PRId64 "%s\n", source->views[i].name,
               ledger->views[i].counted, ledger->views[i].filtered,
               !*published                                            ? " (not published yet)"
               : strcmp(published, source->views[i].fingerprint) != 0 ? " (published with another definition)"
                                                                      : "");
    }
    buffer_clean_up(&at);
}

static bool print_gaps(struct batch *batch, const struct source *source, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *rows = NULL;
    if (!connection_query(batch->connection,
                          "select partition, from_offset, to_offset, noted_at, accepted_at from tidemark.gap "
                          "where source = $1 order by accepted_at is not null, noted_at desc limit 20",
                          1, values, &rows, error))
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        bool accepted = !PQgetisnull(rows, row, 4);
        printf("  gap: partition %s lost offsets %s until %s, noted %s, %s%s\n", PQgetvalue(rows, row, 0),
               PQgetvalue(rows, row, 1), PQgetvalue(rows, row, 2), PQgetvalue(rows, row, 3),
               accepted ? "accepted " : "not accepted (run --accept-gaps)", accepted ? PQgetvalue(rows, row, 4) : "");
    }
    return true;
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
        if (!batch->realtime->operations->read_slot(
                batch->realtime, (struct slot_id){source->name, published->partition}, &slot, &error)) {
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

static void print_unread(const struct publication *publication)
{
    int64_t partitions = 0;
    for (size_t i = 0; i < publication->partition_count; i++)
        partitions += publication->partitions[i].unread;
    if (partitions > 0)
        printf("  alarm: nobody read %" PRId64 " of %zu partitions when they were cut; is tidemark-speed running?\n",
               partitions, publication->partition_count);
}

static bool print_runs(struct batch *batch, const struct source *source, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *rows = NULL;
    if (!connection_query(batch->connection,
                          "select kind, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS\"Z\"'), "
                          "coalesce(extract(epoch from finished_at - started_at)::numeric(12,1)::text || ' s', '-'), "
                          "outcome, messages, rows, coalesce(message, '') from tidemark.run where source = $1 "
                          "order by id desc limit 5",
                          1, values, &rows, error))
        return false;
    for (int row = 0; row < PQntuples(rows); row++)
        printf("  %s %s, %s: %s, %s messages, %s rows%s%s\n", PQgetvalue(rows, row, 0), PQgetvalue(rows, row, 1),
               PQgetvalue(rows, row, 2), PQgetvalue(rows, row, 3), PQgetvalue(rows, row, 4), PQgetvalue(rows, row, 5),
               *PQgetvalue(rows, row, 6) ? ": " : "", PQgetvalue(rows, row, 6));
    return true;
}

static bool has_schema(struct batch *batch, bool *ret_has, struct error *error)
{
    RESULT *result = NULL;
    if (!connection_query(batch->connection, "select to_regclass('tidemark.run') is not null", 0, NULL, &result, error))
        return false;
    *ret_has = *PQgetvalue(result, 0, 0) == 't';
    return true;
}

static bool print_source(struct batch *batch, const struct source *source, const struct publication *publication,
                         struct error *error)
{
    bool any = false;
    print_publication(source, publication);
    if (!has_schema(batch, &any, error))
        return false;
    if (!any)
        return true;
    if (!print_partitions(batch, source, error) || !print_gaps(batch, source, error))
        return false;
    print_split(publication);
    print_unread(publication);
    print_live_gaps(batch, source, publication);
    return print_runs(batch, source, error);
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
