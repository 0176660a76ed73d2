/* SPDX-License-Identifier: Apache-2.0 */
#include "check/repair.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "check/master_check.h"
#include "check/verify.h"
#include "database/schema.h"
#include "run/batch_store.h"
#include "run/republish.h"
#include "run/source_run.h"
#include "state/slot_audit.h"

#define LOST_RANGES "100" /* that one repair notes of a partition: each stands in every answer until it is accepted */

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

/* *ret_damage: what is wrong with it; its code is ERROR_NONE where nothing is. *ret_kind says it in short. */
static bool check_slot(struct repair *repair, int32_t number, struct error *ret_damage, const char **ret_kind,
                       struct error *error)
{
    struct realtime_store *store = repair->batch->realtime;
    struct slot_reader reader;
    struct slot_id id = {repair->source->name, number};
    struct slot slot = {0};
    *ret_damage = (struct error){0};
    if (store->operations->read_slot(store, id, &slot, ret_damage)) {
        slot_reader_init(&reader, id, repair->source);
        if (!slot_format_check(&slot, ret_damage))
            ret_damage->code = ERROR_DATA;
        else if (slot.exists && !publication_is_of_cluster(&repair->run.publication, slot.cluster))
            error_set(ret_damage, ERROR_DATA, "it was read from the Kafka cluster %s", slot.cluster);
        else if (store->operations->read(store, &reader, ret_damage) && slot_reader_audit(&reader, ret_damage))
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
    return !repair->mends || store->operations->forget(store, (struct slot_id){repair->source->name, number}, error);
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
            "partition %d: %" PRId64 " messages are not what was ingested, the first at offset %" PRId64, number,
            check->edited, check->first_edited);
    if (!repair->mends || (check->missing == 0 && check->edited == 0))
        return true;
    return master_mend(check, error);
}

/* "select o, o": the offsets of the partition below `to` that the master dataset holds. */
static void append_offsets(struct buffer *sql, const struct repair *repair, int32_t number, int64_t to)
{
    buffer_append_string(sql, "select tm_offset as o, tm_offset as e from ");
    append_raw_table(sql, repair->source);
    buffer_appendf(sql,
                   " where tm_partition = %d and tm_offset < %" PRId64
                   " union all select \"offset\", \"offset\" from tidemark.bad where partition = %d and \"offset\" < "
                   "%" PRId64 " and source = ",
                   (int)number, to, (int)number, to);
    buffer_append_literal(sql, text_of(repair->source->name));
}

/* What is lost for good, or was added, was not ingested any more. */
static bool note_held(struct repair *repair, struct partition_state *partition, int64_t held, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "update tidemark.partition set held = %" PRId64 " where partition = %d and source = ", held,
                   (int)partition->number);
    buffer_append_literal(&sql, text_of(repair->source->name));
    bool done = batch_execute(repair->batch, &sql, error);
    buffer_clean_up(&sql);
    partition->held = held;
    return done;
}

/* Inserts into tidemark.gap the ranges below `to` of which the master dataset holds nothing, less those that are noted
 * there already; one range over all where there are too many to tell. */
static bool note_lost(struct repair *repair, const struct partition_state *partition, int64_t to, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "with held as (");
    append_offsets(&sql, repair, partition->number, to);
    buffer_appendf(&sql,
                   " union all select from_offset, to_offset - 1 from tidemark.gap where partition = %d and source = ",
                   (int)partition->number);
    buffer_append_literal(&sql, text_of(repair->source->name));
    buffer_appendf(
        &sql,
        " union all select %" PRId64 ", %" PRId64
        "), holes as (select coalesce(max(e) over (order by o, e rows between unbounded preceding and 1 "
        "preceding) + 1, %" PRId64 ") as f, o as t from held), lost as (select f, t, count(*) over () as n "
        "from holes where f < t) insert into tidemark.gap (source, partition, from_offset, to_offset) select ",
        to, to, partition->first);
    buffer_append_literal(&sql, text_of(repair->source->name));
    buffer_appendf(&sql,
                   ", %d, f, t from (select f, t from lost where n <= " LOST_RANGES
                   " union all select min(f), max(t) from lost where n > " LOST_RANGES ") l where f < t",
                   (int)partition->number);
    bool done = batch_execute(repair->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

/* What the master dataset doesn't hold and the log neither, or what it holds and nobody ingested. */
static bool repair_lost(struct repair *repair, const struct master_check *check, struct partition_state *partition,
                        struct error *error)
{
    int64_t held, to = check->from < partition->ingested ? check->from : partition->ingested;
    if (!master_count(repair->batch, repair->source, partition->number, partition->ingested, &held, error))
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
    return !repair->mends ||
           ((lost < 0 || note_lost(repair, partition, to, error)) && note_held(repair, partition, held, error));
}

static bool repair_master(struct repair *repair, struct partition_state *partition, struct error *error)
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

/* Whether live versions are missing, or are not the messages that they were. */
static bool check_current(struct repair *repair, bool *ret_same, struct error *error)
{
    struct buffer sql = {0};
    RESULT *same = NULL;
    const struct source *source = repair->source;
    buffer_append_string(&sql, "select (select count(*) from ");
    append_current_table(&sql, source);
    buffer_append_string(&sql, ") = (select coalesce(sum(kept), 0) from tidemark.partition where source = ");
    buffer_append_literal(&sql, text_of(source->name));
    buffer_append_string(&sql, ") and not exists (select 1 from ");
    append_current_table(&sql, source);
    buffer_append_string(&sql, " c left join ");
    append_raw_table(&sql, source);
    buffer_append_string(&sql, " r using (tm_partition, tm_offset) where r.tm_event_us is distinct from c.tm_event_us");
    for (size_t i = 0; i < source->schema.field_count; i++) {
        buffer_append_string(&sql, " or r.");
        buffer_append_identifier(&sql, source->schema.fields[i].name);
        buffer_append_string(&sql, " is distinct from c.");
        buffer_append_identifier(&sql, source->schema.fields[i].name);
    }
    buffer_append_char(&sql, ')');
    bool done = batch_query(repair->batch, &sql, &same, error);
    buffer_clean_up(&sql);
    if (done)
        *ret_same = *PQgetvalue(same, 0, 0) == 't';
    return done;
}

static bool check_published(struct repair *repair, struct error *error)
{
    const char *remedy = "live versions, rows and ledger are computed again from the master dataset";
    struct error difference = {0};
    bool same = true;
    if (repair->must_publish)
        return true;
    if (!verify_published(repair->batch, repair->source, &difference)) {
        if (difference.code != ERROR_DATA) {
            *error = difference;
            return false;
        }
        say(repair, remedy, "%s", difference.message);
        repair->must_publish = true;
        return true;
    }
    if (!check_current(repair, &same, error))
        return false;
    if (!same)
        say(repair, remedy, "the live versions of its orders are not those of the master dataset");
    repair->must_publish = !same;
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
    if (!batch->store->begin(batch, source, error))
        return false;
    bool done =
        repair_once(&repair, error) && (!repair.mends || repair.findings == 0 || check_afterwards(&repair, error));
    batch->store->end(batch, source);
    return done;
}
