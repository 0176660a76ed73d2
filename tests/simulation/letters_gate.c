/* SPDX-License-Identifier: Apache-2.0 */
#include "letters_gate.h"

#include "world.h"

static struct letters_gate *of(struct dead_letter_store *store)
{
    return (struct letters_gate *)(void *)store;
}

static bool send_letter(struct dead_letter_store *store, const struct dead_letter *letter, struct error *error)
{
    struct letters_gate *gate = of(store);
    return gate->memory.store.operations->send(&gate->memory.store, letter, error);
}

static bool keep_sent(struct letters_gate *gate, const struct source *source, int32_t partition, int64_t next,
                      struct error *error)
{
    if (!call_begins(gate->actor, gate->service, error))
        return false;
    memory_dead_letters_take_over(&gate->memory, partition);
    return call_begins(gate->actor, gate->service, error) &&
           gate->memory.store.operations->keep(&gate->memory.store, source, partition, next, error) &&
           call_ends(gate->actor, gate->service, error);
}

static bool keep(struct dead_letter_store *store, const struct source *source, int32_t partition, int64_t next,
                 struct error *error)
{
    struct letters_gate *gate = of(store);
    bool done = gate->memory.partitions[partition].sent.count == 0 || keep_sent(gate, source, partition, next, error);
    gate->memory.store.operations->forget(&gate->memory.store, source, partition);
    return done;
}

static void forget(struct dead_letter_store *store, const struct source *source, int32_t partition)
{
    of(store)->memory.store.operations->forget(&of(store)->memory.store, source, partition);
}

static void close_idle(struct dead_letter_store *store)
{
    (void)store;
}

static void destroy(struct dead_letter_store *store)
{
    (void)store;
}

void letters_gate_init(struct letters_gate *gate, struct memory_dead_letter_topic *topic, const struct service *service,
                       struct actor *actor)
{
    static const struct dead_letter_operations operations = {
        .send = send_letter, .keep = keep, .forget = forget, .close_idle = close_idle, .destroy = destroy};
    *gate = (struct letters_gate){.store = {&operations}, .service = service, .actor = actor};
    memory_dead_letters_init(&gate->memory, topic);
}

void letters_gate_clean_up(struct letters_gate *gate)
{
    memory_dead_letters_clean_up(&gate->memory);
}

static int letters_of(const struct memory_letters *written, int64_t offset)
{
    int count = 0;
    for (size_t i = 0; i < written->count; i++)
        count += written->offsets[i] == offset;
    return count;
}

void letters_check(const struct memory_dead_letter_topic *letters, const struct topic *topic, bool all_was_read)
{
    for (int32_t number = 0; number < topic->partition_count; number++) {
        const struct topic_partition *partition = &topic->partitions[number];
        /* Where the tail was lost, letters may be of what lay there before. */
        int64_t end = partition->end < partition->lost_from ? partition->end : partition->lost_from;
        for (int64_t offset = partition->began; offset < end; offset++) {
            const struct order_message *message = topic_message(topic, number, offset);
            bool bad = !message->hole && message->bad;
            int count = letters_of(&letters->partitions[number].written, offset);
            bool was_read = all_was_read && offset >= partition->first && offset >= the_world.unread_below[number];
            if (count > bad || (bad && count == 0 && was_read))
                world_fail("message %d/%lld, which is %s, has %d dead letters", (int)number, (long long)offset,
                           bad ? "bad" : "not bad", count);
        }
    }
}
