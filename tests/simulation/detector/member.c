/* SPDX-License-Identifier: Apache-2.0 */
#include "member.h"

#include <stdlib.h>

#include "../chance.h"
#include "base/clock.h"
#include "detector/reader.h"

#define BATCH_MAX 12

struct member {
    struct consumer consumer; /* first, so that one pointer is both */
    struct alert_store store;
    int number;
    const struct hardships *hardships;
    void (*others)(void);
    struct detector_reader *reader;
    struct consumer_events events;
    bool is_dead, in_turn, has_partitions;
    struct consumer_position fetched[PARTITIONS_MAX];
    size_t fetched_count;
};

static struct member *of_consumer(struct consumer *consumer)
{
    return (struct member *)(void *)consumer;
}

static struct member *of_store(struct alert_store *store)
{
    return (struct member *)(void *)((char *)store - offsetof(struct member, store));
}

static bool one_in(uint64_t many)
{
    return many && chance_one_in(many);
}

/* A question to the broker, in the midst of which anything may happen. False where it has no answer. */
static bool ask(struct member *member, struct error *error)
{
    const struct hardships *hardships = member->hardships;
    if (member->is_dead)
        return error_set(error, ERROR_UNAVAILABLE, "dead");
    time_pass((int64_t)chance_below(2000));
    if (one_in(hardships->standstill)) {
        if (one_in(hardships->removal))
            broker_remove(member->number);
        member->others();
    }
    member->is_dead = one_in(hardships->death);
    return (!member->is_dead && !one_in(hardships->failure)) || error_set(error, ERROR_UNAVAILABLE, "no answer");
}

/* --- The consumer ------------------------------------------------------------------------------------------------ */

static bool assign(struct consumer *consumer, const struct consumer_position positions[], size_t count,
                   struct error *error)
{
    struct member *member = of_consumer(consumer);
    (void)error;
    for (size_t i = 0; i < count; i++)
        member->fetched[i] = positions[i];
    member->fetched_count = count;
    return true;
}

static void give_back(struct member *member, bool lost)
{
    if (member->has_partitions)
        member->events.revoked(member->events.context, lost);
    member->has_partitions = false;
    member->fetched_count = 0;
}

static void follow_the_group(struct member *member)
{
    struct consumer_position given[PARTITIONS_MAX];
    switch (broker_membership(member->number)) {
    case MEMBER_STAYS:
        break;
    case MEMBER_MUST_GIVE_BACK:
        give_back(member, false);
        broker_gave_back(member->number);
        break;
    case MEMBER_IS_REMOVED:
        give_back(member, true);
        broker_join(member->number);
        break;
    case MEMBER_IS_GIVEN:
        member->has_partitions = true;
        member->events.assigned(member->events.context, given, broker_take(member->number, given));
        break;
    }
}

static void fetch(struct member *member, struct consumer_position *position)
{
    int64_t end = transactions_end(position->partition), from = position->offset;
    if (from < transactions_first(position->partition)) {
        struct consumer_position gone = *position;
        *position = member->fetched[--member->fetched_count];
        member->events.out_of_range(member->events.context, gone.topic, gone.partition, gone.offset);
        return;
    }
    if (from >= end) {
        member->events.end(member->events.context, position->topic, position->partition, end);
        return;
    }
    size_t count = 1 + (size_t)chance_below(BATCH_MAX), taken = 0;
    char payloads[BATCH_MAX][200];
    struct log_message messages[BATCH_MAX];
    for (; taken < count && from + (int64_t)taken < end; taken++) {
        messages[taken] = transactions_message(position->partition, from + (int64_t)taken);
        memcpy(payloads[taken], messages[taken].payload.data, messages[taken].payload.length);
        messages[taken].payload.data = payloads[taken];
    }
    position->offset += (int64_t)taken;
    member->events.messages(member->events.context, position->topic, position->partition, messages, taken);
}

static bool poll(struct consumer *consumer, int timeout_ms, bool gathers)
{
    (void)gathers;
    struct member *member = of_consumer(consumer);
    struct error error;
    time_pass((int64_t)chance_below((uint64_t)timeout_ms * 1000 + 1));
    if (chance_one_in(20))
        time_pass((int64_t)chance_below(70 * US_PER_SECOND));
    if (!ask(member, &error))
        return false;
    follow_the_group(member);
    if (!member->is_dead && member->fetched_count)
        fetch(member, &member->fetched[chance_below(member->fetched_count)]);
    return false;
}

static void extents(struct consumer *consumer, struct consumer_extent asked[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        asked[i].first = transactions_first(asked[i].partition);
        asked[i].end = transactions_end(asked[i].partition);
        ask(of_consumer(consumer), &asked[i].error);
    }
}

static int64_t known_end(struct consumer *consumer, const char *topic, int32_t partition)
{
    (void)consumer;
    (void)topic;
    return transactions_end(partition);
}

static int64_t offset_at(struct consumer *consumer, const char *topic, int32_t partition, int64_t at_us)
{
    struct error error = {0};
    (void)topic;
    return ask(of_consumer(consumer), &error) ? transactions_offset_at(partition, at_us) : -1;
}

static bool partition_count(struct consumer *consumer, const char *topic, int32_t *ret_count, struct error *error)
{
    (void)topic;
    *ret_count = transactions_partitions();
    return ask(of_consumer(consumer), error);
}

static void leave(struct consumer *consumer)
{
    struct member *member = of_consumer(consumer);
    give_back(member, member->is_dead);
    if (!member->is_dead)
        broker_remove(member->number);
}

/* --- The alert store --------------------------------------------------------------------------------------------- */

static void joined(struct alert_store *store)
{
    (void)store;
}

static bool positions(struct alert_store *store, struct detector_position ret_positions[], size_t count,
                      struct error *error)
{
    return ask(of_store(store), error) &&
           (broker_positions(ret_positions, count) || error_set(error, ERROR_UNAVAILABLE, "a transaction is open"));
}

static bool begin(struct alert_store *store, const struct partition_position given[], size_t count, bool reset,
                  struct error *error)
{
    (void)reset;
    if (!ask(of_store(store), error))
        return false;
    if (!broker_set_first(given, count))
        return error_set(error, ERROR_TRY_AGAIN, "another process began");
    return ask(of_store(store), error);
}

static bool has_alerts(struct alert_store *store, bool *ret_has, struct error *error)
{
    *ret_has = broker_has_alerts();
    return ask(of_store(store), error);
}

/* Without an answer anything may have become of it. */
static bool commit(struct alert_store *store, const struct alert_record alerts[], size_t alert_count,
                   const struct partition_position given[], size_t position_count, struct error *error)
{
    struct member *member = of_store(store);
    if (!ask(member, error))
        return false;
    enum transaction_end end = TRANSACTION_COMMITTED;
    struct error unheard = {0};
    bool answered = ask(member, &unheard);
    if (!answered)
        end = (enum transaction_end)chance_below(TRANSACTION_LEFT_OPEN + 1);
    if (!broker_commit(member->number, alerts, alert_count, given, position_count, end))
        return error_set(error, ERROR_TRY_AGAIN, "the group has given the partitions to others");
    if (!answered)
        *error = unheard;
    return answered;
}

static void let_go(struct alert_store *store)
{
    (void)store;
}

/* --- The process ------------------------------------------------------------------------------------------------- */

struct member *member_new(int number, const struct hardships *hardships, void (*others)(void))
{
    static const struct consumer_operations consumer_operations = {.assign = assign,
                                                                   .poll = poll,
                                                                   .extents = extents,
                                                                   .known_end = known_end,
                                                                   .offset_at = offset_at,
                                                                   .partition_count = partition_count,
                                                                   .destroy = leave};
    static const struct alert_store_operations store_operations = {joined,     positions, begin,
                                                                   has_alerts, commit,    let_go};
    struct member *member = calloc(1, sizeof *member);
    *member = (struct member){.consumer.operations = &consumer_operations,
                              .store.operations = &store_operations,
                              .number = number,
                              .hardships = hardships,
                              .others = others,
                              .reader = detector_reader_new(transactions_detector(), NULL, NULL)};
    member->events = detector_reader_events(member->reader);
    detector_reader_attach(member->reader, &member->consumer, &member->store);
    broker_join(number);
    return member;
}

void member_destroy(struct member *member)
{
    detector_reader_destroy(member->reader);
    free(member);
}

bool member_turn(struct member *member, struct error *ret_error)
{
    member->in_turn = true;
    bool goes_on = detector_reader_turn(member->reader, ret_error);
    member->in_turn = false;
    return goes_on && !member->is_dead;
}

bool member_is_in_turn(const struct member *member)
{
    return member->in_turn;
}
