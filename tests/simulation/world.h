/* SPDX-License-Identifier: Apache-2.0
 * The simulated world: a topic, a Redis, a PostgreSQL, and the processes of the platform that work on them. */
#ifndef TIDEMARK_SIMULATION_WORLD_H
#define TIDEMARK_SIMULATION_WORLD_H

#include "database.h"
#include "definitions.h"
#include "letters_gate.h"
#include "redis_gate.h"
#include "topic.h"

enum { DEFINITIONS = 3, SPEEDS = 2, BATCHES = 2 };

struct figures {
    int64_t schedules, steps, answers, complete, publications, kills, deferred, unread, replays;
};

struct world {
    struct zone *zone;
    struct arena arena;
    struct realtime_store *no_slots; /* of a source without a speed layer */

    /* One schedule's. */
    uint64_t seed;
    struct topic topic;
    struct service redis_service;
    struct memory_realtime redis, redis_backup;
    struct database database;
    struct memory_dead_letter_topic letters;
    struct definition definitions[DEFINITIONS];
    int definition;                         /* that processes start with */
    bool is_calm;                           /* the faults have ended */
    bool loses_tails;                       /* this schedule is one in which that happens */
    bool has_lost_tail;                     /* of a partition: what was read may be another story than what is there */
    bool has_changed;                       /* it is another than before */
    bool accepts_partitions;                /* the operator of the batch layer */
    int64_t unread_after_ms;                /* runs cut by themselves where nobody commits for so long; 0: none does */
    int away;                               /* for so many steps no speed process has a turn */
    int64_t unread_below[TOPIC_PARTITIONS]; /* a run has cut there by itself: no speed layer need have read it */
    uint64_t other_redises;                 /* how many took the place of the one before, emptied or come back older */
    int64_t touched_us[MEMORY_SLOTS_MAX];   /* when a slot changed that no program wrote: that is no news */
    char edited[MEMORY_SLOTS_MAX][INCARNATION_SIZE]; /* of each slot whose cells were changed by hand last */
    struct actor speeds[SPEEDS], batches[BATCHES];
    struct actor replay;             /* of a source without a batch layer */
    bool replays;                    /* one is under way, or to be begun */
    struct actor publications, live; /* the two threads of a serving process */
    struct serving_process *serving;
    struct figures figures;
};

extern struct world the_world;

/* The real-time store of a process with this definition, which has this gate to Redis. */
struct realtime_store *world_realtime(const struct definition *definition, struct redis_gate *gate);

/* A process of the world is found by its actor. */
int speed_number(const struct actor *actor);
int batch_number(const struct actor *actor);

/* Says what is wrong with the schedule that is played, and ends the process with 1. */
void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
