/* SPDX-License-Identifier: Apache-2.0
 * Plays schedules of faults of a detector, one a seed: its real reader in several processes over one broker. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../chance.h"
#include "base/log.h"
#include "base/wide.h"
#include "member.h"

static const char usage[] =
    "usage: detector_simulation [--schedules N] [--seed N]\n"
    "\n"
    "Plays N schedules (1000), of this seed (by chance) and the ones after it: processes with the real reader of a\n"
    "detector die, stand still and are told so late, begin and leave in the midst of whatever they do, commits have\n"
    "no answer or stay open, the topic grows and loses its head, memory is short until all are started with more.\n"
    "Every alert that is committed is compared with what the definition gives, and when the faults end, none may be\n"
    "missing.\n"
    "Exits 0 where nothing was found, 1 where something was, 64 where the command line is wrong.\n";

#define STEPS 150
#define CALM_TURNS 4000 /* in which all must be judged when the faults have ended */
#define SHOWN_MOST 8
#define MEMORY_SHORT 200000 /* with less, partitions may be stopped at the ceiling */
#define MEMORY_ENOUGH (INT64_C(1) << 28)

static struct hardships hardships;
static struct member *members[MEMBERS_MAX];
static bool loses_unread; /* in this schedule the topic may lose what the detector needs */
static bool lacks_memory; /* in this schedule, until the faults end */
static const char *wrong; /* NULL: nothing yet */

static void found(const char *what)
{
    wrong = wrong ? wrong : what;
}

/* It isn't one of the others any more while it ends. */
static void end(int number)
{
    struct member *member = members[number];
    members[number] = NULL;
    if (member)
        member_destroy(member);
}

static void turn(int number)
{
    struct error error = {0};
    if (member_turn(members[number], &error))
        return;
    if (error.code != ERROR_NONE)
        found("a process ended by itself");
    end(number);
}

/* Those go on who aren't in the midst of something. A dead one isn't heard of, and its place is another's. */
static void some_turn(void)
{
    int number = (int)chance_below(MEMBERS_MAX);
    if (members[number] && !member_is_in_turn(members[number]))
        turn(number);
}

static void others_go_on(void)
{
    for (uint64_t turns = chance_below(30); turns > 0; turns--)
        some_turn();
}

static void start(int number)
{
    broker_remove(number); /* whoever was in this place and died */
    members[number] = member_new(number, &hardships, others_go_on);
}

static void start_or_end(int number)
{
    if (!members[number])
        start(number);
    else if (chance_one_in(3))
        end(number);
}

static void trim(int32_t partition)
{
    struct detector_position position = broker_position(partition);
    int64_t most = loses_unread ? transactions_end(partition) : position.floor.offset;
    if (position.offset >= 0 && most > 0)
        transactions_trim(partition, 1 + (int64_t)chance_below((uint64_t)most), position.floor.offset, position.offset);
}

static void step(void)
{
    int32_t partition = (int32_t)chance_below((uint64_t)transactions_partitions());
    switch (chance_below(12)) {
    case 0:
    case 1:
        transactions_show(partition, 1 + (int64_t)chance_below(SHOWN_MOST));
        break;
    case 2:
        if (chance_one_in(4))
            start_or_end((int)chance_below(MEMBERS_MAX));
        break;
    case 3:
        broker_end_transactions(chance_one_in(2));
        break;
    case 4:
        if (chance_one_in(8))
            trim(partition);
        else if (chance_one_in(30))
            broker_grow_topic();
        break;
    default:
        some_turn();
    }
}

static bool all_is_judged(void)
{
    for (int32_t i = 0; i < transactions_partitions(); i++)
        if (broker_position(i).offset != transactions_end(i))
            return false;
    return true;
}

static bool shows_more(void)
{
    for (int32_t i = 0; i < transactions_partitions(); i++)
        if (transactions_show(i, SHOWN_MOST))
            return true;
    return false;
}

static void end_all(void)
{
    for (int i = 0; i < MEMBERS_MAX; i++)
        end(i);
}

/* Nobody helps from here on, but that what stopped is started with more memory. */
static void calm_down(void)
{
    if (lacks_memory)
        end_all();
    transactions_limit_memory(MEMORY_ENOUGH);
    hardships = (struct hardships){0};
    for (int i = 0; i < MEMBERS_MAX; i++)
        if (!members[i] && (i == 0 || chance_one_in(2)))
            start(i);
        else if (!members[i])
            broker_remove(i);
    broker_end_transactions(chance_one_in(2));
    for (int turns = 0; turns < CALM_TURNS && !wrong && (shows_more() || !all_is_judged()); turns++)
        some_turn();
    if (!all_is_judged())
        found("not all is judged");
    else if (!transactions_all_alerted())
        found("an alert is missing");
}

/* Who finds alerts of the detector and no positions must not take it for a first start. */
static void expire(void)
{
    struct error error = {0};
    if (!broker_has_alerts())
        return;
    broker_expire_positions();
    members[0] = member_new(0, &hardships, others_go_on);
    for (int turns = 0; turns < CALM_TURNS && member_turn(members[0], &error); turns++)
        ;
    if (error.code != ERROR_CONFIGURATION)
        found("it took lost positions for a first start");
}

static const char *play(uint64_t seed)
{
    static const uint64_t rates[] = {0, 200, 60, 20};
    wrong = NULL;
    chance_begin_step(seed, 0);
    time_begin();
    hardships = (struct hardships){.death = rates[chance_below(4)],
                                   .standstill = rates[chance_below(4)],
                                   .removal = 2,
                                   .failure = rates[chance_below(4)]};
    loses_unread = chance_one_in(10);
    lacks_memory = chance_one_in(4);
    transactions_begin(seed, 1 + (int32_t)chance_below(PARTITIONS_MAX), chance_one_in(2));
    if (lacks_memory)
        transactions_limit_memory((int64_t)chance_below(MEMORY_SHORT));
    broker_begin();
    start(0);
    for (int i = 0; i < STEPS && !wrong; i++)
        step();
    if (!wrong)
        calm_down();
    end_all();
    if (!wrong)
        expire();
    end_all();
    if (broker_problem())
        found(broker_problem());
    return wrong;
}

static uint64_t number_of(const char *text)
{
    int64_t number;
    if (text && integer_parse(text_of(text), &number) && number >= 0)
        return (uint64_t)number;
    fprintf(stderr, "detector_simulation: a number is wrong or missing\n%s", usage);
    exit(64);
}

int main(int count, char **arguments)
{
    uint64_t schedules = 1000, seed = (uint64_t)time(NULL) * 1000000;
    for (int i = 1; i < count; i += 2) {
        if (strcmp(arguments[i], "--help") == 0)
            return fputs(usage, stdout) < 0;
        if (strcmp(arguments[i], "--schedules") == 0)
            schedules = number_of(arguments[i + 1]);
        else if (strcmp(arguments[i], "--seed") == 0)
            seed = number_of(arguments[i + 1]);
        else
            number_of(NULL);
    }
    log_configure("detector_simulation", LOG_FORMAT_TEXT,
                  getenv("TIDEMARK_SIMULATION_LOG") ? LOG_LEVEL_DEBUG : (enum log_level)(LOG_LEVEL_ERROR + 1));
    for (uint64_t i = 0; i < schedules; i++) {
        const char *problem = play(seed + i);
        if (!problem)
            continue;
        printf("SEED=%" PRIu64 ": %s; play it again with --schedules 1 --seed %" PRIu64 "\n", seed + i, problem,
               seed + i);
        return 1;
    }
    printf("%" PRIu64 " schedules from seed %" PRIu64 ": nothing found\n", schedules, seed);
    return 0;
}
