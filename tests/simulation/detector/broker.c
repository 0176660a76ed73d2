/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct seat {
    bool is_member;     /* of the group, as the broker sees it */
    bool has_joined;    /* the rebalance that is going on; or none is */
    bool was_removed;   /* and doesn't know it yet */
    int64_t generation; /* whose partitions it took; 0: none */
};

struct open_transaction {
    char **alerts;
    size_t alert_count;
    struct partition_position positions[PARTITIONS_MAX];
    size_t position_count;
    struct open_transaction *next;
};

static struct {
    struct seat seats[MEMBERS_MAX];
    int64_t generation; /* raised when a rebalance is over */
    bool is_rebalancing;
    struct detector_position positions[PARTITIONS_MAX];
    struct open_transaction *open;
    bool has_alerts;
    const char *problem; /* the first; NULL: none */
} broker;

static void free_transaction(struct open_transaction *one)
{
    for (size_t i = 0; i < one->alert_count; i++)
        free(one->alerts[i]);
    free(one->alerts);
    free(one);
}

void broker_begin(void)
{
    broker_end_transactions(false);
    memset(&broker, 0, sizeof broker);
    broker_expire_positions();
}

/* --- The group --------------------------------------------------------------------------------------------------- */

static void found(bool is_wrong, const char *problem)
{
    if (is_wrong && !broker.problem)
        broker.problem = problem;
}

static void begin_rebalance(void)
{
    broker.is_rebalancing = true;
    for (int i = 0; i < MEMBERS_MAX; i++)
        broker.seats[i].has_joined = broker.seats[i].is_member && broker.seats[i].generation == 0;
}

/* It is over as soon as all have joined it. */
static void end_rebalance(void)
{
    for (int i = 0; i < MEMBERS_MAX; i++)
        if (broker.seats[i].is_member && !broker.seats[i].has_joined)
            return;
    if (broker.is_rebalancing)
        broker.generation++;
    broker.is_rebalancing = false;
}

void broker_join(int member)
{
    broker.seats[member] = (struct seat){.is_member = true, .was_removed = false};
    begin_rebalance();
    end_rebalance();
}

void broker_remove(int member)
{
    struct seat *seat = &broker.seats[member];
    if (!seat->is_member)
        return;
    seat->is_member = seat->has_joined = false;
    seat->was_removed = true;
    begin_rebalance();
    end_rebalance();
}

void broker_grow_topic(void)
{
    transactions_grow();
    begin_rebalance();
    end_rebalance();
}

enum membership broker_membership(int member)
{
    const struct seat *seat = &broker.seats[member];
    if (seat->was_removed)
        return MEMBER_IS_REMOVED;
    if (broker.is_rebalancing)
        return seat->has_joined ? MEMBER_STAYS : MEMBER_MUST_GIVE_BACK;
    return seat->generation == broker.generation ? MEMBER_STAYS : MEMBER_IS_GIVEN;
}

void broker_gave_back(int member)
{
    broker.seats[member].has_joined = true;
    end_rebalance();
}

size_t broker_take(int member, struct consumer_position ret_partitions[PARTITIONS_MAX])
{
    int members = 0, rank = 0;
    size_t count = 0;
    for (int i = 0; i < MEMBERS_MAX; i++) {
        rank += i < member && broker.seats[i].is_member;
        members += broker.seats[i].is_member;
    }
    for (int32_t i = 0; i < transactions_partitions(); i++)
        if ((i + (int32_t)broker.generation) % members == rank)
            ret_partitions[count++] = (struct consumer_position){transactions_detector()->source->topic, i, -1};
    broker.seats[member].generation = broker.generation;
    return count;
}

/* --- Positions and alerts ---------------------------------------------------------------------------------------- */

bool broker_positions(struct detector_position ret_positions[], size_t count)
{
    if (broker.open)
        return false;
    memcpy(ret_positions, broker.positions, count * sizeof *ret_positions);
    return true;
}

struct detector_position broker_position(int32_t partition)
{
    return broker.positions[partition];
}

static void set_positions(const struct partition_position positions[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct detector_position *position = &broker.positions[positions[i].partition];
        char metadata[DETECTOR_METADATA_SIZE];
        detector_position_format(&positions[i].position, metadata);
        found(positions[i].position.offset < position->offset, "a position went back");
        position->offset = positions[i].position.offset;
        found(!detector_position_parse(text_of(metadata), position), "a position isn't well formed");
    }
}

bool broker_set_first(const struct partition_position positions[], size_t count)
{
    for (size_t i = 0; i < PARTITIONS_MAX; i++)
        if (broker.positions[i].offset >= 0)
            return false;
    set_positions(positions, count);
    for (size_t i = 0; i < count; i++)
        transactions_first_start(positions[i].partition, positions[i].position.offset,
                                 positions[i].position.floor.offset);
    return true;
}

void broker_expire_positions(void)
{
    for (size_t i = 0; i < PARTITIONS_MAX; i++)
        broker.positions[i] = (struct detector_position){.offset = -1, .floor = {-1, CLOCK_NONE}};
}

bool broker_has_alerts(void)
{
    return broker.has_alerts;
}

static void end_transaction(struct open_transaction *one, bool committed)
{
    for (size_t i = 0; committed && i < one->alert_count; i++) {
        log_debug("alert %s", one->alerts[i]);
        found(!transactions_note_alert(one->alerts[i]), "an alert is wrong or came twice");
        broker.has_alerts = true;
    }
    if (committed)
        set_positions(one->positions, one->position_count);
    free_transaction(one);
}

void broker_end_transactions(bool committed)
{
    while (broker.open) {
        struct open_transaction *one = broker.open;
        broker.open = one->next;
        end_transaction(one, committed);
    }
}

bool broker_commit(int member, const struct alert_record alerts[], size_t alert_count,
                   const struct partition_position positions[], size_t position_count, enum transaction_end end)
{
    const struct seat *seat = &broker.seats[member];
    if (!seat->is_member || seat->generation == 0 || seat->generation != broker.generation)
        return false;
    struct open_transaction *one = calloc(1, sizeof *one);
    one->alerts = calloc(alert_count + 1, sizeof *one->alerts);
    for (; one->alert_count < alert_count; one->alert_count++)
        one->alerts[one->alert_count] =
            strndup(alerts[one->alert_count].json.data, alerts[one->alert_count].json.length);
    memcpy(one->positions, positions, position_count * sizeof *positions);
    one->position_count = position_count;
    if (end != TRANSACTION_LEFT_OPEN) {
        end_transaction(one, end == TRANSACTION_COMMITTED);
        return true;
    }
    one->next = broker.open;
    broker.open = one;
    return true;
}

const char *broker_problem(void)
{
    return broker.problem;
}
