/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_actor.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chance.h"
#include "database_rows.h"
#include "engine/native/versions.h"
#include "master/master.h"
#include "publication/publisher.h"
#include "run/run.h"

#define CALM_UNREAD_AFTER_MS 15000

/* A batch process: its connection to the database is one session. */
struct process {
    struct batch batch; /* first, so that one pointer is both */
    struct topic_log log;
    struct redis_gate redis;
    struct database_reader reader;
    struct database *database;
    struct actor *actor;
    int session;              /* of the database when it connected; another one: the connection is gone */
    int client;               /* tells the holders of the lock apart */
    struct database_state tx; /* of the publishing transaction */
    bool in_tx;
};

struct ingest_chunk {
    struct process *process;
    int count;
    struct ingested_tail last;
    struct database_message messages[TOPIC_OFFSETS];
};

static struct process processes[BATCHES];

static struct process *of(struct batch *batch)
{
    return (struct process *)(void *)batch;
}

/* A call on the session that was begun. */
static bool begins(struct batch *batch, struct error *error)
{
    struct process *process = of(batch);
    if (!call_begins(process->actor, &process->database->service, error))
        return false;
    return process->session == process->database->session ||
           error_set(error, ERROR_UNAVAILABLE, "PostgreSQL: the connection is gone");
}

static bool ends(struct batch *batch, struct error *error)
{
    struct process *process = of(batch);
    return call_ends(process->actor, &process->database->service, error);
}

static void drop_transaction(struct process *process)
{
    if (process->in_tx)
        published_views_release(process->tx.views);
    process->in_tx = false;
}

static bool lock(struct batch *batch, const struct source *source, struct error *error)
{
    (void)source;
    struct process *process = of(batch);
    struct database *database = process->database;
    if (!call_begins(process->actor, &database->service, error))
        return false;
    process->session = database->session;
    if (database->locked_by && database->locked_by != process->client)
        return error_set(error, ERROR_TRY_AGAIN, "another run is at work");
    database->locked_by = process->client;
    return ends(batch, error);
}

static void unlock(struct batch *batch, const struct source *source)
{
    (void)source;
    struct process *process = of(batch);
    if (process->database->locked_by == process->client)
        process->database->locked_by = 0;
}

static struct run_state *run_record(struct database_state *state, int64_t id)
{
    return &state->run[id % DATABASE_RUNS];
}

static bool begin_record(struct batch *batch, const struct source *source, const char *kind, int64_t *ret_id,
                         struct error *error)
{
    (void)source;
    (void)kind;
    if (!begins(batch, error))
        return false;
    struct database_state *state = &of(batch)->database->now;
    *ret_id = state->runs++;
    *run_record(state, *ret_id) = (struct run_state){0};
    return ends(batch, error);
}

static void end_record(struct batch *batch, int64_t id, const char *outcome, const char *message, int64_t messages)
{
    (void)batch;
    (void)id;
    (void)outcome;
    (void)message;
    (void)messages;
}

static bool prepare_source(struct batch *batch, const struct source *source, struct error *error)
{
    (void)source;
    if (!begins(batch, error))
        return false;
    of(batch)->database->now.prepared = true;
    return ends(batch, error);
}

static bool note_cluster(struct batch *batch, const struct source *source, const char *cluster, struct error *error)
{
    (void)source;
    if (!begins(batch, error))
        return false;
    snprintf(of(batch)->database->now.publication.cluster, CLUSTER_ID_MAX, "%s", cluster);
    return ends(batch, error);
}

static bool read_partitions(struct batch *batch, const struct source *source,
                            struct ingested_partition ret_partitions[], size_t count, size_t *ret_count,
                            struct error *error)
{
    (void)source;
    if (!begins(batch, error) || !ends(batch, error))
        return false;
    const struct database_state *state = &of(batch)->database->now;
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct database_partition *from = &state->partitions[i];
        ret_partitions[i] = from->recorded ? (struct ingested_partition){true, from->first, from->ingested, from->held}
                                           : (struct ingested_partition){0};
        *ret_count = from->recorded ? i + 1 : *ret_count;
    }
    return true;
}

static bool record_partition(struct source_run *run, struct run_partition *partition, struct error *error)
{
    if (!begins(run->batch, error))
        return false;
    of(run->batch)->database->now.partitions[partition->number] =
        (struct database_partition){.recorded = true, .first = partition->first, .ingested = partition->first};
    partition->ingested = partition->first;
    partition->held = 0;
    partition->recorded = true;
    return ends(run->batch, error);
}

static bool read_tail(struct source_run *run, const struct run_partition *partition, struct ingested_tail *ret_tail,
                      struct error *error)
{
    if (!begins(run->batch, error) || !ends(run->batch, error))
        return false;
    const struct database_partition *in = &of(run->batch)->database->now.partitions[partition->number];
    *ret_tail = in->tail.hash ? in->tail : (struct ingested_tail){-1, -1, 0};
    return true;
}

static bool note_gap(struct source_run *run, const struct run_partition *partition, int64_t from, int64_t to,
                     struct error *error)
{
    if (!begins(run->batch, error))
        return false;
    struct database_partition *in = &of(run->batch)->database->now.partitions[partition->number];
    if (in->ingested != from)
        return error_set(error, ERROR_TRY_AGAIN, "partition %d was ingested by somebody else meanwhile",
                         (int)partition->number);
    assert(in->gap_count < DATABASE_GAPS);
    in->gaps[in->gap_count++] = (struct database_gap){{from, to}, false};
    in->ingested = to;
    return ends(run->batch, error);
}

static bool note_opening(struct source_run *run, int64_t *ret_opened_at_us, struct error *error)
{
    if (!begins(run->batch, error))
        return false;
    struct database_state *state = &of(run->batch)->database->now;
    struct run_state *record = run_record(state, run->id);
    record->epoch = run->publication.epoch + 1;
    record->opened_at_us = *ret_opened_at_us = clock_wall_us();
    for (int64_t id = run->id; run->was_open && id >= 0 && id > run->id - DATABASE_RUNS; id--) {
        record = run_record(state, id);
        if (record->published)
            break;
        if (record->epoch == run->publication.epoch + 1)
            *ret_opened_at_us = record->opened_at_us;
    }
    return ends(run->batch, error);
}

static bool count_split_orders(struct source_run *run, int64_t *ret_count, struct error *error)
{
    *ret_count = 0;
    return begins(run->batch, error) && ends(run->batch, error);
}

/* --- ingest --- */

static struct ingest_chunk *chunk_new(struct batch *batch, const struct source *source, PGconn *connection)
{
    (void)source;
    (void)connection;
    struct ingest_chunk *chunk = calloc(1, sizeof *chunk);
    if (chunk)
        chunk->process = of(batch);
    return chunk;
}

static void chunk_destroy(struct ingest_chunk *chunk)
{
    free(chunk);
}

static bool chunk_add(struct ingest_chunk *chunk, int32_t partition, const struct log_message *message,
                      const struct record *record, const struct rejection *rejection, struct error *error)
{
    (void)rejection;
    (void)error;
    const struct order_message *original = topic_message(chunk->process->database->topic, partition, message->offset);
    assert(!record == original->bad);
    chunk->messages[chunk->count++] = (struct database_message){message->offset, original};
    chunk->last = (struct ingested_tail){message->offset, message->record_time_us, log_message_hash(message)};
    return true;
}

static bool chunk_is_full(const struct ingest_chunk *chunk, int64_t messages_max)
{
    return chunk->count >= messages_max;
}

static bool chunk_store(struct ingest_chunk *chunk, int32_t number, int64_t from, int64_t next, int64_t *ret_messages,
                        struct error *error)
{
    struct batch *batch = &chunk->process->batch;
    if (!begins(batch, error))
        return false;
    struct database_partition *partition = &chunk->process->database->now.partitions[number];
    if (partition->ingested != from)
        return error_set(error, ERROR_TRY_AGAIN, "partition %d was ingested by somebody else meanwhile", (int)number);
    memcpy(partition->messages + partition->count, chunk->messages, (size_t)chunk->count * sizeof *chunk->messages);
    partition->count += chunk->count;
    partition->ingested = next;
    partition->held += chunk->count;
    if (next > from && chunk->count > 0)
        partition->tail = chunk->last;
    *ret_messages = chunk->count;
    chunk->count = 0;
    return ends(batch, error);
}

/* --- publish --- */

static bool publish_begin(struct publishing *publishing, struct error *error)
{
    struct process *process = of(publishing->run->batch);
    if (!begins(&process->batch, error) || !ends(&process->batch, error))
        return false;
    int64_t epoch = process->database->now.publication.epoch;
    if (epoch != publishing->run->publication.epoch)
        return error_set(error, ERROR_TRY_AGAIN, "epoch %lld was published meanwhile", (long long)epoch);
    drop_transaction(process);
    process->tx = process->database->now;
    process->tx.views = NULL;
    process->in_tx = true;
    return true;
}

/* All definitions of the simulation have the same rules. */
static bool revalidate_none(struct source_run *run, struct revalidation *ret_revalidation, struct error *error)
{
    *ret_revalidation = (struct revalidation){0};
    return begins(run->batch, error) && ends(run->batch, error);
}

static void count_message(const struct order_message *message, const struct source *source, bool known[],
                          bool is_new_here, struct partition_ledger *ledger)
{
    bool was_known = source->on_duplicate != ON_DUPLICATE_NONE && known[message->order];
    if (is_new_here) {
        ledger->good += !message->bad;
        ledger->bad += message->bad;
        if (!message->bad && !was_known)
            ledger->kept++;
        else if (!message->bad && source->on_duplicate == ON_DUPLICATE_REPLACE)
            ledger->replaced++;
        else if (!message->bad)
            ledger->duplicate++;
        int64_t at_us = topic_message_clock_us(message);
        if (!message->bad && at_us > ledger->clock_us)
            ledger->clock_us = at_us;
        if (!message->bad && message->record_us < 0 && message->event_us > ledger->untimed_us)
            ledger->untimed_us = message->event_us;
    }
    known[message->order] = known[message->order] || !message->bad;
}

static bool merge_all(struct source_run *run, struct partition_ledger ret_ledgers[], struct error *error)
{
    struct process *process = of(run->batch);
    if (!begins(run->batch, error) || !ends(run->batch, error))
        return false;
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct run_partition *state = &run->partitions[i];
        const struct database_partition *partition = &process->tx.partitions[i];
        bool known[TOPIC_ORDERS] = {false};
        ret_ledgers[i] = (struct partition_ledger){.clock_us = state->clock_us, .untimed_us = state->untimed_us};
        for (int m = 0; m < partition->count; m++)
            ret_ledgers[i].later += partition->messages[m].offset >= state->cut;
        for (int m = 0; m < partition->count && partition->messages[m].offset < state->cut; m++)
            count_message(partition->messages[m].message, run->source, known,
                          partition->messages[m].offset >= state->begins, &ret_ledgers[i]);
    }
    return true;
}

static bool add_version(struct versions *versions, struct decoder *decoder, int32_t partition,
                        const struct order_message *message, struct error *error)
{
    struct record record;
    struct rejection rejection;
    bool good = decoder_decode(decoder, (struct text){message->payload, message->length}, message->record_us, &record,
                               &rejection) == DECODE_GOOD;
    assert(good != message->bad);
    bool done = !good || versions_add(versions, partition, &record, message->record_us, error);
    decoder_reset(decoder);
    return done;
}

/* All views anew from the messages below the run's cuts. */
static bool compute(struct process *process, const struct source_run *run, struct ledger *ledger, struct error *error)
{
    struct versions versions;
    struct decoder *decoder = decoder_new(&run->source->schema);
    int spoilt = process->database->spoils_versions ? -1 : TOPIC_ORDERS; /* the order that is left out */
    bool done = decoder != NULL;
    versions_init(&versions, run->source, process->tx.views->panes, ledger);
    for (size_t i = 0; done && i < run->partition_count; i++) {
        const struct database_partition *partition = &process->tx.partitions[i];
        for (int m = 0; done && m < partition->count && partition->messages[m].offset < run->partitions[i].cut; m++) {
            const struct order_message *message = partition->messages[m].message;
            if (spoilt < 0 && !message->bad)
                spoilt = message->order;
            if (message->order != spoilt)
                done = add_version(&versions, decoder, (int32_t)i, message, error);
        }
    }
    versions_clean_up(&versions);
    decoder_destroy(decoder);
    return done;
}

static bool rebuild_all(struct source_run *run, struct view_change ret_changes[], struct error *error)
{
    struct process *process = of(run->batch);
    struct ledger ledger = {0};
    if (!begins(run->batch, error) || !ends(run->batch, error))
        return false;
    process->tx.views = published_views_new(run->source);
    if (!compute(process, run, &ledger, error))
        return false;
    for (size_t i = 0; i < run->source->view_count; i++)
        ret_changes[i] = (struct view_change){
            .counted = ledger.views[i].counted, .filtered = ledger.views[i].filtered, .late = ledger.views[i].late};
    return true;
}

static void write_partition(struct database_partition *partition, const struct run_partition *state,
                            const struct partition_ledger *ledger, struct ledger *total)
{
    partition->published = true;
    partition->cut = state->cut;
    partition->unread = state->unread;
    partition->clock_us = ledger->clock_us;
    partition->idle_us = state->idle_us;
    partition->untimed_us = ledger->untimed_us;
    partition->last = state->last;
    partition->last_hash = state->last_hash;
    const struct fates added = {.consumed = ledger->good + ledger->bad,
                                .kept = ledger->kept,
                                .replaced = ledger->replaced,
                                .duplicate = ledger->duplicate,
                                .bad = ledger->bad};
    fates_add(&partition->fates, &added);
    fates_add(&total->fates, &added);
}

static bool publish_write(struct publishing *publishing, struct error *error)
{
    struct source_run *run = publishing->run;
    struct process *process = of(run->batch);
    struct publication *publication = &process->tx.publication;
    if (!begins(run->batch, error) || !ends(run->batch, error))
        return false;
    publication->epoch = run->publication.epoch + 1;
    publication->published_at_us = clock_wall_us();
    publication->opened_at_us = run->opened_at_us;
    publication->accepted_partitions = run->accepted_partitions;
    memcpy(publication->definition, run->source->fingerprint, sizeof publication->definition);
    for (size_t i = 0; i < run->partition_count; i++)
        write_partition(&process->tx.partitions[i], &run->partitions[i], &publishing->ledgers[i], &publication->ledger);
    for (size_t i = 0; i < run->source->view_count; i++) {
        publication->ledger.views[i].counted = publishing->changes[i].counted;
        publication->ledger.views[i].filtered = publishing->changes[i].filtered;
        publication->ledger.views[i].late = publishing->changes[i].late;
    }
    for (size_t i = 0; run->batch->accepts_gaps && i < run->partition_count; i++)
        for (int gap = 0; gap < process->tx.partitions[i].gap_count; gap++)
            process->tx.partitions[i].gaps[gap].accepted = true;
    run_record(&process->tx, run->id)->published = true;
    return true;
}

static void note_losses(struct database *database)
{
    struct database_losses *losses = &database->losses[database->published++ % DATABASE_PUBLICATIONS];
    losses->epoch = database->now.publication.epoch;
    losses->published_at_us = database->now.publication.published_at_us;
    for (int i = 0; i < TOPIC_PARTITIONS; i++) {
        const struct database_partition *partition = &database->now.partitions[i];
        losses->gap_count[i] = 0;
        for (int gap = 0; gap < partition->gap_count; gap++) {
            struct offset_range range = partition->gaps[gap].range;
            range.to = range.to < partition->cut ? range.to : partition->cut; /* ingest may be ahead of the cut */
            if (range.from < range.to)
                losses->gaps[i][losses->gap_count[i]++] = (struct database_gap){range, true};
        }
    }
}

/* Who reads on from such a cut never saw what lies below it. */
static void note_unread(const struct source_run *run)
{
    for (size_t i = 0; i < run->partition_count; i++)
        if (run->partitions[i].unread && run->partitions[i].cut > the_world.unread_below[i])
            the_world.unread_below[i] = run->partitions[i].cut;
    for (size_t i = 0; i < run->partition_count; i++)
        the_world.figures.unread += run->partitions[i].unread;
}

static bool publish_commit(struct publishing *publishing, struct error *error)
{
    struct process *process = of(publishing->run->batch);
    if (!begins(&process->batch, error))
        return false;
    assert(process->in_tx && process->database->locked_by == process->client);
    struct published_views *old = process->database->now.views;
    process->tx.runs = process->database->now.runs; /* a sequence doesn't go back */
    process->database->now = process->tx;
    process->in_tx = false;
    note_losses(process->database);
    note_unread(publishing->run);
    published_views_release(old);
    return ends(&process->batch, error);
}

static bool was_published(struct publishing *publishing, bool *ret_published, struct error *error)
{
    struct process *process = of(publishing->run->batch);
    if (!call_begins(process->actor, &process->database->service, error) || !ends(&process->batch, error))
        return false;
    process->session = process->database->session;
    *ret_published = run_record(&process->database->now, publishing->run->id)->published;
    return true;
}

static void roll_back(struct batch *batch)
{
    drop_transaction(of(batch));
}

/* The views of a definition are always in its file. */
static bool left_no_views(struct source_run *run, struct buffer *ret_tables, struct error *error)
{
    (void)run;
    (void)ret_tables;
    (void)error;
    return true;
}

static bool index_nothing(struct batch *batch, const struct source *source, struct error *error)
{
    (void)source;
    return begins(batch, error) && ends(batch, error);
}

/* Nothing reads the messages back: the checks don't run here. */
static const struct master_operations master = {
    .prepare = prepare_source,
    .note_cluster = note_cluster,
    .read_partitions = read_partitions,
    .record_partition = record_partition,
    .chunk_new = chunk_new,
    .chunk_destroy = chunk_destroy,
    .chunk_add = chunk_add,
    .chunk_is_full = chunk_is_full,
    .chunk_store = chunk_store,
    .index = index_nothing,
    .read_tail = read_tail,
    .note_gap = note_gap,
    .revalidate = revalidate_none,
};

static const struct engine_operations engine = {
    .merge = merge_all,
    .rebuild = rebuild_all,
    .count_split_orders = count_split_orders,
};

static const struct publisher_operations publisher = {
    .lock = lock,
    .unlock = unlock,
    .begin_record = begin_record,
    .end_record = end_record,
    .note_opening = note_opening,
    .left_views = left_no_views,
    .begin = publish_begin,
    .write = publish_write,
    .commit = publish_commit,
    .was_published = was_published,
    .roll_back = roll_back,
};

/* Runs again and again, with a rest between. */
static void live(struct actor *actor)
{
    struct world *world = &the_world;
    struct process *process = &processes[batch_number(actor)];
    const struct definition *definition = &world->definitions[world->definition];
    struct error error;
    process->actor = actor;
    process->database = &world->database;
    topic_log_init(&process->log, &world->topic, actor);
    redis_gate_init(&process->redis, &world->redis, &world->redis_service, actor);
    database_reader_init(&process->reader, &world->database, actor);
    process->batch = (struct batch){.settings = &definition->settings,
                                    .master = &master,
                                    .engine = &engine,
                                    .publisher = &publisher,
                                    .log = &process->log.log,
                                    .realtime = world_realtime(definition, &process->redis),
                                    .publications = &process->reader.store};
    while (!actor->dead) {
        process->client = ++world->database.clients;
        process->batch.accepts_partitions = world->accepts_partitions;
        process->batch.accepts_gaps = world->is_calm;
        process->batch.unread_after_ms = world->is_calm ? CALM_UNREAD_AFTER_MS : world->unread_after_ms;
        if (!run_source(&process->batch, &definition->source, &error) && !error_is_retriable(&error) &&
            error.code != ERROR_HELD && !(error.code == ERROR_DATA && world->database.spoils_versions) &&
            !(error.code == ERROR_CONFIGURATION && world->has_lost_tail))
            world_fail("a batch run ended with: %s", error.message);
        drop_transaction(process);
        unlock(&process->batch, &definition->source); /* a session that ends lets its lock go */
        actor_rest(actor);
    }
}

void batch_actor_init(struct world *world, int number)
{
    actor_init(&world->batches[number], number ? "batch 1" : "batch 0", live);
}
