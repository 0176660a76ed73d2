/* SPDX-License-Identifier: Apache-2.0 */
#include "check/repair.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "check/master_check.h"
#include "check/published_check.h"
#include "master/master.h"
#include "publication/publisher.h"
#include "run/republish.h"
#include "run/same_log.h"
#include "run/source_run.h"
#include "state/slot_audit.h"

struct repair {
    struct source_run run;
    struct batch *batch;
    const struct source *source;
    bool mends;               /* what it finds */
    bool is_check_afterwards; /* of what was mended */
    int findings;
    bool must_publish; /* again */
};

/* A finding, and what is or would be done about it. */
__attribute__((format(printf, 3, 4))) static void say(struct repair *repair, const char *remedy, const char *format,
                                                      ...)
{
    va_list arguments;
    repair->findings++;
    printf("source %s: ", repair->source->name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    if (repair->is_check_afterwards)
        printf("; this is left\n");
    else
        printf("%s %s\n", repair->mends ? ":" : "; would be mended:", remedy);
    fflush(stdout);
}

/* --- slots --- */

/* What it is, for `say`. */
static const char *kind_of(const struct slot *slot)
{
    if (slot->exists && slot->format > REALTIME_FORMAT)
        return "was written by a newer release";
    return slot->exists && slot->format < REALTIME_FORMAT ? "was written by an older release" : "is damaged";
}

/* The messages that its epochs began behind are those of the log. */
static bool check_cuts(const struct repair *repair, int32_t number, const struct slot *slot, struct error *ret_damage)
{
    struct event_log *log = repair->batch->log;
    int64_t first, end;
    if (!log->operations->ends(log, repair->source->topic, number, &first, &end, ret_damage))
        return false;
    for (size_t i = 0; i < slot->epoch_count; i++) {
        const struct epoch_start *start = &slot->epochs[i];
        if (cut_is_in_log(&repair->run, number, start, first, ret_damage))
            continue;
        return ret_damage->code == ERROR_CONFIGURATION &&
               error_set(ret_damage, ERROR_DATA,
                         "the message at offset %" PRId64 ", behind which its epoch %" PRId64
                         " began, isn't the one of the log",
                         start->last, start->epoch);
    }
    return true;
}

/* *ret_damage: what is wrong with it; its code is ERROR_NONE where nothing is. *ret_kind says it in short. */
static bool check_slot(struct repair *repair, int32_t number, struct error *ret_damage, const char **ret_kind,
                       struct error *error)
{
    struct realtime_store *store = repair->batch->realtime;
    struct slot_reader reader;
    struct slot_id id = slot_id_of(repair->source, number);
    struct slot slot = {0};
    *ret_damage = (struct error){0};
    if (store->operations->read_slot(store, id, &slot, ret_damage)) {
        slot_reader_init(&reader, id, repair->source);
        if (!slot_format_check(&slot, ret_damage))
            ret_damage->code = ERROR_DATA;
        else if (slot.exists && !publication_is_of_cluster(&repair->run.publication, slot.cluster))
            error_set(ret_damage, ERROR_DATA, "it was read from the Kafka cluster %s", slot.cluster);
        else if (store->operations->read(store, &reader, ret_damage) && slot_reader_audit(&reader, ret_damage) &&
                 check_cuts(repair, number, &slot, ret_damage))
            *ret_damage = (struct error){0};
        slot_reader_clean_up(&reader);
    }
    *ret_kind = kind_of(&slot);
    if (ret_damage->code == ERROR_NONE || ret_damage->code == ERROR_DATA)
        return true;
    *error = *ret_damage;
    return false;
}

static bool repair_slot(struct repair *repair, int32_t number, struct error *error)
{
    struct realtime_store *store = repair->batch->realtime;
    struct error damage;
    const char *kind;
    if (!check_slot(repair, number, &damage, &kind, error))
        return false;
    if (damage.code == ERROR_NONE)
        return true;
    say(repair, "the slot is forgotten, and the speed layer builds it again from the published cut",
        "partition %d: its slot %s (%s)", (int)number, kind, damage.message);
    bool done;
    return !repair->mends || store->operations->forget(store, slot_id_of(repair->source, number), 0, &done, error);
}

/* --- the master dataset --- */

static bool repair_from_log(struct repair *repair, struct master_check *check, struct error *error)
{
    int number = (int)check->partition->number;
    if (check->missing)
        say(repair, "they are ingested again from the log",
            "partition %d: %" PRId64 " messages are missing in the master dataset, the first at offset %" PRId64,
            number, check->missing, check->first_missing);
    if (check->edited)
        say(repair, "they are ingested again from the log",
            "partition %d: %" PRId64 " messages are not what was ingested, the first at offset %" PRId64 " (%s)",
            number, check->edited, check->first_edited, buffer_string(&check->first_both));
    if (!repair->mends || (check->missing == 0 && check->edited == 0))
        return true;
    return master_mend(check, error);
}

/* What the master dataset doesn't hold and the log neither, or what it holds and nobody ingested. */
static bool repair_lost(struct repair *repair, const struct master_check *check, struct run_partition *partition,
                        struct error *error)
{
    const struct master_operations *master = repair->batch->master;
    int64_t held, to = check->from < partition->ingested ? check->from : partition->ingested;
    if (!master->count(repair->batch, repair->source, partition->number, partition->ingested, &held, error))
        return false;
    /* Where it mends, those that the log holds are back already. */
    int64_t lost = partition->held - held - (repair->mends ? 0 : check->missing);
    if (lost == 0)
        return true;
    if (lost > 0)
        say(repair, "where they lay is recorded as a gap, and the views are computed again without them",
            "partition %d: %" PRId64 " messages below offset %" PRId64
            " are missing in the master dataset, and the log no longer holds them",
            (int)partition->number, lost, to);
    else
        say(repair, "live versions, rows and ledger are computed again",
            "partition %d: the master dataset holds %" PRId64 " messages more than were ingested",
            (int)partition->number, -lost);
    repair->must_publish = true;
    return !repair->mends || ((lost < 0 || master->note_holes(&repair->run, partition, to, error)) &&
                              master->set_held(&repair->run, partition, held, error));
}

static bool repair_master(struct repair *repair, struct run_partition *partition, struct error *error)
{
    struct master_check check = {.run = &repair->run, .partition = partition};
    if (!partition->recorded)
        return true;
    bool done = master_check(&check, error) && repair_from_log(repair, &check, error) &&
                repair_lost(repair, &check, partition, error);
    master_check_clean_up(&check);
    return done;
}

/* --- what is published --- */

static bool check_published(struct repair *repair, struct error *error)
{
    struct error difference = {0};
    if (repair->must_publish)
        return true;
    if (!published_check(&repair->run, &difference, error))
        return false;
    if (difference.code == ERROR_NONE)
        return true;
    say(repair, "live versions, rows and ledger are computed again from the master dataset", "%s", difference.message);
    repair->must_publish = true;
    return true;
}

static bool repair_published(struct repair *repair, struct error *error)
{
    if (repair->run.publication.epoch == 0)
        return true;
    if (!check_published(repair, error))
        return false;
    return !repair->must_publish || !repair->mends || republish(&repair->run, error);
}

/* --- the story --- */

static bool repair_all(struct repair *repair, struct error *error)
{
    struct source_run *run = &repair->run;
    size_t partition_count = run->partition_count; /* of which republish leaves those that are published */
    for (size_t i = 0; i < partition_count; i++)
        if (!repair_master(repair, &run->partitions[i], error))
            return false;
    if (!repair_published(repair, error))
        return false;
    for (size_t i = 0; i < partition_count; i++)
        if (!repair_slot(repair, (int32_t)i, error))
            return false;
    return true;
}

static bool conclude(const struct repair *repair, struct error *error)
{
    if (repair->findings == 0 && !repair->is_check_afterwards)
        printf("source %s: nothing is damaged\n", repair->source->name);
    if (repair->findings == 0 || repair->mends)
        return true;
    return error_set(error, ERROR_DATA,
                     repair->is_check_afterwards ? "source %s: %d findings are left, which no repair mends"
                                                 : "source %s: %d findings; tidemark-batch repair --yes mends them",
                     repair->source->name, repair->findings);
}

static bool repair_once(struct repair *repair, struct error *error)
{
    bool done = source_run_begin(&repair->run, repair->batch, repair->source, "repair", error) &&
                repair_all(repair, error) && conclude(repair, error);
    struct error unpublished = repair->run.unpublished;
    source_run_end(&repair->run, repair->findings == 0 ? "nothing damaged" : "repaired", done ? NULL : error);
    if (!done || unpublished.code == ERROR_NONE)
        return done;
    *error = unpublished;
    return false;
}

/* What was mended must be found whole: where the log lacks what the master dataset holds, say, it isn't. */
static bool check_afterwards(const struct repair *repair, struct error *error)
{
    struct repair again = {.batch = repair->batch, .source = repair->source, .is_check_afterwards = true};
    return repair_once(&again, error);
}

bool repair_source(struct batch *batch, const struct source *source, struct error *error)
{
    struct repair repair = {.batch = batch, .source = source, .mends = batch->repairs};
    if (!batch->publisher->lock(batch, source, error))
        return false;
    bool done =
        repair_once(&repair, error) && (!repair.mends || repair.findings == 0 || check_afterwards(&repair, error));
    batch->publisher->unlock(batch, source);
    return done;
}
