/* SPDX-License-Identifier: Apache-2.0 */
#include "merged/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "state/slot_audit.h"

bool live_init(struct live *live, const struct source *source, pthread_mutex_t *lock, struct error *error)
{
    *live = (struct live){.source = source, .lock = lock, .silent_us = UNREAD_AFTER_US};
    live->changes = calloc(source->view_count + 1, sizeof *live->changes);
    if (!live->changes)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < source->view_count; i++)
        panes_init(&live->changes[i], &source->views[i]);
    return true;
}

void live_clean_up(struct live *live)
{
    for (size_t i = 0; i < live->count; i++) {
        slot_reader_clean_up(&live->partitions[i]->reader);
        free(live->partitions[i]);
    }
    free(live->partitions);
    for (size_t i = 0; live->changes && i < live->source->view_count; i++)
        panes_clean_up(&live->changes[i]);
    free(live->changes);
    *live = (struct live){0};
}

static void hold(void *context, struct slot_reader *reader)
{
    (void)reader;
    struct live_partition *partition = context;
    if (!partition->held)
        pthread_mutex_lock(partition->live->lock);
    partition->held = true;
}

static void note_change(void *context, struct slot_reader *reader, int64_t epoch, size_t view, struct pane delta)
{
    (void)reader;
    struct live_partition *partition = context;
    struct live *live = partition->live;
    if (!partition->included || epoch <= live->epoch)
        return;
    if (!panes_add(&live->changes[view], delta.window_start_us, delta.group, delta.cell))
        live->rebuild = true;
}

static void note_replaced(void *context, struct slot_reader *reader)
{
    (void)reader;
    struct live_partition *partition = context;
    partition->live->rebuild = true;
    partition->replaced = true;
}

static struct live_partition *partition_new(struct live *live, int32_t number)
{
    struct live_partition *partition = calloc(1, sizeof *partition);
    if (!partition)
        return NULL;
    partition->live = live;
    slot_reader_init(&partition->reader, slot_id_of(live->source, number), live->source);
    partition->reader.hold = hold;
    partition->reader.changed = note_change;
    partition->reader.replaced = note_replaced;
    partition->reader.context = partition;
    return partition;
}

bool live_grow(struct live *live, size_t count, struct error *error)
{
    if (count <= live->count)
        return true;
    struct live_partition **partitions = realloc(live->partitions, count * sizeof(struct live_partition *));
    if (!partitions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    live->partitions = partitions;
    for (; live->count < count; live->count++) {
        live->partitions[live->count] = partition_new(live, (int32_t)live->count);
        if (!live->partitions[live->count])
            return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    return true;
}

static size_t known_partitions(struct live *live)
{
    pthread_mutex_lock(live->lock);
    size_t count = live->count;
    pthread_mutex_unlock(live->lock);
    return count;
}

static bool grow_to(struct live *live, size_t count, struct error *error)
{
    pthread_mutex_lock(live->lock);
    bool done = live_grow(live, count, error);
    pthread_mutex_unlock(live->lock);
    return done;
}

/* A partition exists where its slot does; numbers below it then exist too, and those that the topic had when the slot
 * was begun. */
static bool probe(struct live *live, struct realtime_store *store, size_t probes, struct error *error)
{
    size_t number = known_partitions(live);
    for (size_t last = number + probes; number < last && number < PARTITIONS_MAX; number++) {
        struct slot slot;
        struct slot_id id = slot_id_of(live->source, (int32_t)number);
        if (!store->operations->read_slot(store, id, &slot, error)) {
            if (error->code != ERROR_DATA)
                return false;
            slot = (struct slot){.exists = true}; /* it is there, whatever it holds */
        }
        if (!slot.exists)
            continue;
        size_t named = slot.partitions < PARTITIONS_MAX ? (size_t)slot.partitions : PARTITIONS_MAX;
        if (!grow_to(live, named > number + 1 ? named : number + 1, error))
            return false;
        last = known_partitions(live) + probes;
        number = last - probes - 1;
    }
    return true;
}

static void note_damage(struct live_partition *partition, bool damaged, const struct error *damage)
{
    struct live *live = partition->live;
    if (damaged && !partition->damaged) {
        live->damages++;
        if (live->damaged)
            live->damaged(live->context, &partition->reader.id, damage);
    }
    live->rebuild = live->rebuild || damaged != partition->damaged;
    partition->damaged = damaged;
}

/* What was read by changes is what it was audited as, plus these: who deletes cells in the store doesn't change it. */
static void judge(struct live_partition *partition, bool read, struct error *damage)
{
    partition->newer = read && partition->reader.slot.format > REALTIME_FORMAT;
    if (partition->newer)
        read = slot_format_check(&partition->reader.slot, damage);
    if (!read) {
        slot_reader_clean_up(&partition->reader); /* to be read whole */
        note_damage(partition, true, damage);
    } else if (partition->replaced) {
        note_damage(partition, !slot_reader_audit(&partition->reader, damage), damage);
    }
    if (partition->committed_us == 0 || partition->replaced || partition->sequence != partition->reader.slot.sequence)
        partition->committed_us = clock_monotonic_us();
    partition->sequence = partition->reader.slot.sequence;
    partition->replaced = false;
}

/* Nobody sees what was read before it is judged. After an error the reader may have lost its cells after it told of
 * changes. */
static bool read_one(struct live_partition *partition, struct realtime_store *store, struct error *error)
{
    struct error damage = {0};
    bool read = store->operations->read(store, &partition->reader, &damage);
    bool failed = !read && damage.code != ERROR_DATA;
    hold(partition, &partition->reader);
    if (failed) {
        *error = damage;
        partition->live->rebuild = true;
    } else {
        judge(partition, read, &damage);
    }
    partition->held = false;
    partition->read_us = failed ? 0 : clock_monotonic_us();
    pthread_mutex_unlock(partition->live->lock);
    return !failed;
}

bool live_is_silent(const struct live_partition *partition)
{
    return clock_monotonic_us() - partition->committed_us > partition->live->silent_us;
}

#define LOOK_AT_ONCE 64                /* partitions */
#define READ_EVERY_US INT64_C(6000000) /* also where nothing was written: somebody may have edited it */

/* Those from a number on; 0 where there are none. */
static size_t partitions_from(struct live *live, size_t from, struct live_partition *ret_partitions[LOOK_AT_ONCE])
{
    pthread_mutex_lock(live->lock);
    size_t count = live->count - from < LOOK_AT_ONCE ? live->count - from : LOOK_AT_ONCE;
    for (size_t i = 0; i < count; i++)
        ret_partitions[i] = live->partitions[from + i];
    pthread_mutex_unlock(live->lock);
    return count;
}

/* What is known before any slot is looked at: what is written meanwhile is news the next time. */
struct question {
    int64_t asked_us;
    char news[SLOT_STATE_SIZE];
    bool is_news; /* each slot is to be looked at */
};

static bool ask_for_news(const struct live *live, struct realtime_store *store, struct question *ret_question,
                         struct error *error)
{
    *ret_question = (struct question){.asked_us = clock_monotonic_us()};
    char *news = ret_question->news;
    if (store->operations->read_news && !store->operations->read_news(store, live->source->name, news, error))
        return false;
    ret_question->is_news =
        !*news || strcmp(news, live->news) != 0 || ret_question->asked_us - live->looked_us >= LIVE_LOOK_EVERY_US;
    return true;
}

/* Known is only news that came before a look at all slots which found each as it is held: what is read, for whatever
 * reason, may have been written after the question, and a store that comes back as it was then says the same again. */
static void note_look(struct live *live, const struct question *question, bool any_read)
{
    if (any_read) {
        live->news[0] = '\0';
    } else if (question->is_news) {
        memcpy(live->news, question->news, sizeof live->news);
        live->looked_us = question->asked_us;
    }
}

/* Which of them are to be read: those that were written, where there is news. */
static bool look(struct live_partition *const partitions[], size_t count, struct realtime_store *store, bool is_news,
                 bool ret_due[], struct error *error)
{
    struct slot_reader *readers[LOOK_AT_ONCE];
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < count; i++) {
        readers[i] = &partitions[i]->reader;
        ret_due[i] = is_news;
    }
    if (is_news && store->operations->find_written &&
        !store->operations->find_written(store, readers, count, ret_due, error))
        return false;
    for (size_t i = 0; i < count; i++)
        ret_due[i] |= partitions[i]->read_us == 0 || now_us - partitions[i]->read_us >= READ_EVERY_US;
    return true;
}

/* In this order, their questions asked in one go. */
static bool read_all(struct live_partition *const partitions[], size_t count, struct realtime_store *store,
                     struct error *error)
{
    struct slot_reader *readers[LOOK_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        readers[i] = &partitions[i]->reader;
    bool done = count < 2 || !store->operations->ask || store->operations->ask(store, readers, count, error);
    for (size_t i = 0; done && i < count; i++)
        done = read_one(partitions[i], store, error);
    return done;
}

bool live_read(struct live *live, struct realtime_store *store, size_t probes, struct error *error)
{
    struct question question = {0};
    bool done = (!probes || probe(live, store, probes, error)) && ask_for_news(live, store, &question, error);
    struct live_partition *partitions[LOOK_AT_ONCE];
    bool is_due[LOOK_AT_ONCE], any_read = false;
    for (size_t from = 0, count; done && (count = partitions_from(live, from, partitions)) > 0; from += count) {
        size_t due = 0;
        done = look(partitions, count, store, question.is_news, is_due, error);
        for (size_t i = 0; done && i < count; i++)
            if (is_due[i])
                partitions[due++] = partitions[i];
        any_read |= due > 0;
        done = done && read_all(partitions, due, store, error);
    }
    any_read |= !done;
    note_look(live, &question, any_read);
    pthread_mutex_lock(live->lock);
    live->is_new |= any_read || live->reachable != done;
    live->reachable = done;
    pthread_mutex_unlock(live->lock);
    return done;
}

bool live_sum(const struct live *live, struct panes sums[])
{
    for (size_t i = 0; i < live->count; i++) {
        const struct slot_reader *reader = &live->partitions[i]->reader;
        for (size_t epoch = 0; live->partitions[i]->included && epoch < reader->epoch_count; epoch++) {
            if (reader->epochs[epoch].epoch <= live->epoch)
                continue;
            for (size_t view = 0; view < live->source->view_count; view++)
                if (!panes_add_all(&sums[view], &reader->epochs[epoch].panes[view]))
                    return false;
        }
    }
    return true;
}

bool live_is_due(const struct live *live)
{
    return live->is_new || clock_monotonic_us() - live->taken_us >= LIVE_LOOK_EVERY_US;
}

void live_taken(struct live *live)
{
    live->is_new = false;
    live->taken_us = clock_monotonic_us();
    for (size_t i = 0; i < live->source->view_count; i++)
        panes_clear(&live->changes[i]);
    live->rebuild = false;
}
