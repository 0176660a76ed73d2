/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_realtime.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "view/retention.h"

static struct memory_realtime *self(struct realtime_store *store)
{
    return (struct memory_realtime *)(void *)store;
}

struct memory_slot *memory_realtime_slot(struct memory_realtime *memory, struct slot_id id)
{
    size_t number = 0; /* also of a slot without a definition */
    while (*id.definition && number < memory->definition_count &&
           strcmp(memory->definitions[number]->fingerprint, id.definition) != 0)
        number++;
    assert(number < memory->definition_count && id.partition >= 0 && id.partition < MEMORY_PARTITIONS_MAX);
    return &memory->slots[number * MEMORY_PARTITIONS_MAX + (size_t)id.partition];
}

static struct memory_slot *slot_of(struct realtime_store *store, struct slot_id id)
{
    return memory_realtime_slot(self(store), id);
}

/* No number comes twice, also where what was written is lost. */
static void tell_news(struct realtime_store *store, struct memory_slot *slot)
{
    static uint64_t writes;
    slot->written = self(store)->news = ++writes;
}

static void tell_loss(struct realtime_store *store)
{
    self(store)->news = 0;
}

/* What is read or written is used. */
static struct memory_slot *use_slot(struct realtime_store *store, struct slot_id id)
{
    struct memory_slot *slot = slot_of(store, id);
    slot->used_us = clock_monotonic_us();
    return slot;
}

static void note_reader(struct realtime_store *store, const struct memory_slot *slot, const char *id)
{
    struct memory_reader *reader = &self(store)->readers[slot->cells.id.partition];
    reader->definition = slot->cells.source;
    snprintf(reader->id, sizeof reader->id, "%s", id);
}

static bool reach(struct realtime_store *store, struct error *error)
{
    return !self(store)->is_down || error_set(error, ERROR_UNAVAILABLE, "the memory store is down");
}

static bool reply(struct realtime_store *store, struct error *error)
{
    return !self(store)->loses_replies || error_set(error, ERROR_UNAVAILABLE, "the reply was lost");
}

/* The slot's format, as a program that knows no more than this one sees it. */
static int64_t format_of(const struct slot *slot)
{
    struct slot known = *slot;
    slot_keep_known(&known);
    return known.format;
}

static bool is_newer(const struct slot *slot, struct error *error)
{
    return format_of(slot) > REALTIME_FORMAT && !error_set(error, ERROR_TRY_AGAIN, "the slot has got a newer format");
}

/* As much of it as this program knows. As in Redis it is damaged where a gap isn't below its next offset. */
static bool known_of(const struct memory_slot *held, struct slot *ret_slot, struct error *error)
{
    struct slot slot = held->slot;
    slot_keep_known(&slot);
    if (slot.gaps.count && slot.gaps.ranges[slot.gaps.count - 1].to > slot.next)
        return error_set(error, ERROR_DATA, "a gap isn't below the slot's next offset");
    *ret_slot = slot;
    return true;
}

static bool read_slot(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    return reach(store, error) && reply(store, error) && known_of(use_slot(store, id), ret_slot, error);
}

static bool init(struct realtime_store *store, struct slot_id id, const char *seen_incarnation,
                 const struct slot *fresh, bool *ret_done, struct error *error)
{
    if (!reach(store, error))
        return false;
    struct memory_slot *held = use_slot(store, id);
    if (is_newer(&held->slot, error))
        return false;
    bool done = strcmp(held->slot.incarnation, seen_incarnation) == 0;
    if (done) {
        slot_reader_clear(&held->cells);
        held->slot = *fresh;
        held->slot.exists = true;
        held->slot.format = REALTIME_FORMAT;
        held->slot.sequence = 0;
        held->slot.epochs[0] = (struct epoch_start){
            .epoch = fresh->epoch, .offset = fresh->next, .last = fresh->tail, .last_hash = fresh->tail_hash};
        held->slot.epoch_count = 1;
        tell_news(store, held);
        note_reader(store, held, fresh->incarnation);
    }
    if (!reply(store, error))
        return false;
    *ret_done = done;
    return true;
}

static enum commit_answer judge(const struct slot *slot, const struct commit *commit)
{
    if (!slot->exists)
        return COMMIT_LOST;
    if (format_of(slot) != REALTIME_FORMAT || strcmp(slot->incarnation, commit->incarnation) != 0 ||
        strcmp(slot->cluster, commit->cluster) != 0)
        return COMMIT_FOREIGN;
    if (strcmp(slot->commit_id, commit->commit_id) == 0)
        return COMMIT_ALREADY;
    if (slot->next != commit->expected)
        return slot->next < commit->expected ? COMMIT_REWOUND : COMMIT_AHEAD;
    if (strcmp(slot->commit_id, commit->after) != 0)
        return COMMIT_AHEAD;
    return COMMIT_OK;
}

/* Checksums only where the commit carries them, as in Redis. */
static void add_total(struct cell_total *total, const struct panes *panes, const struct commit *commit)
{
    struct cell_total before = *total;
    cell_total_add(total, panes);
    if (!commit->has_checksums)
        memcpy(total->checksums, before.checksums, sizeof total->checksums);
}

/* Those that leave go from the slot, and must be all that begin before their day. */
static void let_go(struct epoch_cells *cells, size_t view, const struct commit *commit)
{
    const struct panes *leaving = &commit->leaving[view];
    int64_t before_us = view_leaves_before_us(leaving->view, commit->left_us);
    cell_total_take_away(&cells->totals[view], leaving);
    for (size_t i = 0; i < panes_count(&cells->panes[view]); i++) {
        struct pane pane = panes_get(&cells->panes[view], i);
        if (pane.window_start_us < before_us)
            memset(pane.cell, 0, cell_size(leaving->view));
    }
}

static bool write(struct memory_slot *held, const struct commit *commit)
{
    struct epoch_cells *cells = slot_reader_epoch(&held->cells, held->slot.epoch);
    if (!cells)
        return false;
    for (size_t view = 0; view < commit->source->view_count; view++) {
        add_total(&cells->totals[view], &commit->panes[view], commit);
        if (!panes_add_all(&cells->panes[view], &commit->panes[view]))
            return false;
        if (commit->leaving)
            let_go(cells, view, commit);
    }
    ledger_merge(&cells->ledger, commit->ledger);
    slot_follow(&held->slot, commit);
    held->slot.epochs[held->slot.epoch_count - 1].consumed += commit->ledger->consumed;
    held->slot.sequence++;
    return true;
}

static bool commit_one(struct realtime_store *store, const struct commit *commit, struct commit_outcome *ret_outcome,
                       struct error *error)
{
    if (!reach(store, error))
        return false;
    struct memory_slot *held = use_slot(store, commit->id);
    enum commit_answer answer = judge(&held->slot, commit);
    if (answer == COMMIT_OK && !write(held, commit))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (answer == COMMIT_OK) {
        tell_news(store, held);
        note_reader(store, held, commit->commit_id);
    }
    if (!reply(store, error))
        return false;
    *ret_outcome = (struct commit_outcome){answer, held->slot.next};
    return true;
}

static bool commit_all(struct realtime_store *store, const struct commit commits[], size_t count,
                       struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    for (*ret_answered = 0; *ret_answered < count; ++*ret_answered)
        if (!commit_one(store, &commits[*ret_answered], &ret_outcomes[*ret_answered], error))
            return false;
    return true;
}

static void forget_epochs(struct memory_slot *held, int64_t last)
{
    size_t kept = 0;
    for (size_t i = 0; i < held->slot.epoch_count; i++)
        if (held->slot.epochs[i].epoch > last || held->slot.epochs[i].epoch == held->slot.epoch)
            held->slot.epochs[kept++] = held->slot.epochs[i];
    held->slot.epoch_count = kept;
    held->cells.slot = held->slot;
    slot_reader_trim(&held->cells);
}

static bool open_epoch(struct realtime_store *store, struct slot_id id, int64_t epoch, int64_t *ret_offset,
                       struct error *error)
{
    if (!reach(store, error))
        return false;
    struct memory_slot *held = use_slot(store, id);
    struct slot *slot = &held->slot;
    int64_t offset = -1;
    if (is_newer(slot, error))
        return false;
    bool ours = slot->exists && slot->format == REALTIME_FORMAT;
    for (size_t i = 0; ours && i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == epoch)
            offset = slot->epochs[i].offset;
    if (ours && offset < 0 && slot->epoch == epoch - 1) {
        if (slot->epoch_count == LIVE_EPOCHS_MAX)
            forget_epochs(held, slot->epochs[0].epoch);
        slot->epochs[slot->epoch_count++] = (struct epoch_start){.epoch = epoch,
                                                                 .offset = slot->next,
                                                                 .last = slot->tail,
                                                                 .last_hash = slot->tail_hash,
                                                                 .idle_us = slot->idle_us};
        slot->epoch = epoch;
        tell_news(store, held);
        offset = slot->next;
    }
    if (!reply(store, error))
        return false;
    *ret_offset = offset;
    return true;
}

static bool drop_epochs(struct realtime_store *store, struct slot_id id, int64_t last, struct error *error)
{
    struct memory_slot *held = use_slot(store, id);
    if (!reach(store, error) || is_newer(&held->slot, error))
        return false;
    size_t before = held->slot.epoch_count;
    if (held->slot.format == REALTIME_FORMAT)
        forget_epochs(held, last);
    if (held->slot.epoch_count != before)
        tell_news(store, held);
    return reply(store, error);
}

static bool forget(struct realtime_store *store, struct slot_id id, int64_t idle_s, bool *ret_done, struct error *error)
{
    if (!reach(store, error))
        return false;
    const struct memory_slot *slot = slot_of(store, id);
    bool done = clock_monotonic_us() - slot->used_us >= idle_s * US_PER_SECOND || !slot->slot.exists;
    if (done) {
        memory_realtime_lose(self(store), (size_t)(slot - self(store)->slots));
        tell_loss(store);
    }
    if (!reply(store, error))
        return false;
    *ret_done = done;
    return true;
}

static void copy_cells(struct slot_reader *to, const struct slot_reader *from)
{
    slot_reader_clear(to);
    for (size_t e = 0; e < from->epoch_count; e++) {
        struct epoch_cells *cells = slot_reader_epoch(to, from->epochs[e].epoch);
        assert(cells);
        cells->ledger = from->epochs[e].ledger;
        memcpy(cells->totals, from->epochs[e].totals, from->source->view_count * sizeof *cells->totals);
        for (size_t view = 0; view < from->source->view_count; view++) {
            bool copied = panes_add_all(&cells->panes[view], &from->epochs[e].panes[view]);
            assert(copied);
        }
    }
}

static bool replace(struct realtime_store *store, struct slot_id id, const char *by, bool *ret_done,
                    struct error *error)
{
    if (!reach(store, error))
        return false;
    struct memory_slot *held = slot_of(store, id),
                       *other = slot_of(store, (struct slot_id){id.source, id.partition, by});
    bool done = other->slot.exists && (!held->slot.exists || other->slot.next >= held->slot.next);
    if (done) {
        held->slot = other->slot;
        held->written = other->written;
        copy_cells(&held->cells, &other->cells);
        memory_realtime_lose(self(store), (size_t)(other - self(store)->slots));
        tell_loss(store);
        note_reader(store, held, held->slot.incarnation);
    }
    if (!reply(store, error))
        return false;
    *ret_done = done;
    return true;
}

static bool definitions(struct realtime_store *store, const char *source, int32_t partition,
                        struct slot_definitions *ret_definitions, struct error *error)
{
    (void)source;
    if (!reach(store, error) || !reply(store, error))
        return false;
    const struct memory_realtime *memory = self(store);
    const struct memory_reader *reader = &memory->readers[partition];
    *ret_definitions = (struct slot_definitions){0};
    if (reader->definition) {
        memcpy(ret_definitions->reader, reader->definition->fingerprint, FINGERPRINT_SIZE);
        memcpy(ret_definitions->reader_id, reader->id, sizeof reader->id);
    }
    for (size_t i = 0; i < memory->definition_count; i++)
        if (memory->slots[i * MEMORY_PARTITIONS_MAX + (size_t)partition].slot.exists)
            memcpy(ret_definitions->names[ret_definitions->count++], memory->definitions[i]->fingerprint,
                   FINGERPRINT_SIZE);
    return true;
}

/* Empty where there is no slot. */
static void state_of(const struct memory_slot *slot, char ret_state[SLOT_STATE_SIZE])
{
    snprintf(ret_state, SLOT_STATE_SIZE, "%llu", (unsigned long long)slot->written);
    if (slot->written == 0)
        *ret_state = '\0';
}

static bool read_news(struct realtime_store *store, const char *source, char ret_news[SLOT_STATE_SIZE],
                      struct error *error)
{
    (void)source;
    if (!reach(store, error) || !reply(store, error))
        return false;
    state_of(&(struct memory_slot){.written = self(store)->news}, ret_news);
    return true;
}

static bool find_written(struct realtime_store *store, struct slot_reader *const readers[], size_t count,
                         bool ret_written[], struct error *error)
{
    if (!reach(store, error) || !reply(store, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        char state[SLOT_STATE_SIZE];
        state_of(slot_of(store, readers[i]->id), state);
        ret_written[i] = !*readers[i]->state || strcmp(readers[i]->state, state) != 0;
    }
    return true;
}

static bool read_cells(struct realtime_store *store, struct slot_reader *reader, struct error *error)
{
    if (!reach(store, error) || !reply(store, error))
        return false;
    const struct memory_slot *held = use_slot(store, reader->id);
    struct slot slot;
    if (!known_of(held, &slot, error))
        return false;
    slot_reader_hold(reader);
    state_of(held, reader->state);
    reader->slot = slot;
    if (reader->slot.format == REALTIME_FORMAT)
        copy_cells(reader, &held->cells);
    else
        slot_reader_clear(reader);
    if (reader->replaced)
        reader->replaced(reader->context, reader);
    return true;
}

static void destroy(struct realtime_store *store)
{
    memory_realtime_clean_up(self(store));
}

void memory_realtime_init(struct memory_realtime *memory, const struct source *source)
{
    static const struct realtime_store_operations operations = {.read_slot = read_slot,
                                                                .init = init,
                                                                .commit = commit_all,
                                                                .open_epoch = open_epoch,
                                                                .drop_epochs = drop_epochs,
                                                                .forget = forget,
                                                                .replace = replace,
                                                                .definitions = definitions,
                                                                .read = read_cells,
                                                                .read_news = read_news,
                                                                .find_written = find_written,
                                                                .destroy = destroy};
    *memory = (struct memory_realtime){.store = {&operations}};
    memory_realtime_add(memory, source);
}

void memory_realtime_add(struct memory_realtime *memory, const struct source *source)
{
    assert(memory->definition_count < MEMORY_DEFINITIONS_MAX);
    struct memory_slot *slots = &memory->slots[memory->definition_count * MEMORY_PARTITIONS_MAX];
    memory->definitions[memory->definition_count++] = source;
    for (int32_t i = 0; i < MEMORY_PARTITIONS_MAX; i++)
        slot_reader_init(&slots[i].cells, slot_id_of(source, i), source);
}

void memory_realtime_clean_up(struct memory_realtime *memory)
{
    for (size_t i = 0; i < memory->definition_count * MEMORY_PARTITIONS_MAX; i++)
        slot_reader_clean_up(&memory->slots[i].cells);
}

void memory_realtime_copy_slot(struct memory_realtime *to, const struct memory_realtime *from, size_t slot)
{
    to->slots[slot].slot = from->slots[slot].slot;
    to->slots[slot].written = from->slots[slot].written;
    to->slots[slot].used_us = clock_monotonic_us();
    copy_cells(&to->slots[slot].cells, &from->slots[slot].cells);
}

void memory_realtime_copy(struct memory_realtime *to, const struct memory_realtime *from)
{
    for (size_t i = 0; i < from->definition_count * MEMORY_PARTITIONS_MAX; i++)
        memory_realtime_copy_slot(to, from, i);
    memcpy(to->readers, from->readers, sizeof to->readers);
    to->news = from->news;
}

void memory_realtime_lose(struct memory_realtime *memory, size_t slot)
{
    struct slot_reader *cells = &memory->slots[slot].cells;
    struct memory_reader *reader = &memory->readers[cells->id.partition];
    memory->slots[slot].slot = (struct slot){0};
    memory->slots[slot].written = 0;
    slot_reader_clear(cells);
    if (reader->definition == cells->source)
        *reader = (struct memory_reader){0};
}
