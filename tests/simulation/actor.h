/* SPDX-License-Identifier: Apache-2.0
 * A process of the simulated world: it lives, is in turn step by step, dies at any of them, and lives again.
 *
 * A step is one call to the world: log, Redis, PostgreSQL. Between two calls of an actor any others may come. A dead
 * actor's calls all fail and do nothing, so that its code ends by itself and frees what it holds. */
#ifndef TIDEMARK_SIMULATION_ACTOR_H
#define TIDEMARK_SIMULATION_ACTOR_H

#include <stdbool.h>

#include "base/error.h"
#include "fiber.h"

struct actor {
    const char *name;
    struct fiber *fiber;
    void (*live)(struct actor *actor); /* one life: ends soon after the actor is dead */
    bool dead;
    bool alive;                    /* in the middle of a life */
    bool asleep;                   /* it waits for time to pass, or for others */
    bool inside;                   /* it waits within a call … */
    const struct service *service; /* … to this one */
    int steps;                     /* calls that it may still make in this turn */
};

/* What hinders calls to a part of the world. */
struct service {
    const char *name;
    bool is_down;         /* calls fail and do nothing */
    bool takes_no_writes; /* Redis alone: so do calls that would change something, as at a replica */
    unsigned lost_in_100; /* calls that are done and whose reply is lost */
};

/* Turns and calls of all actors together; a schedule has some ten thousand. One that goes beyond fails. */
#define SCHEDULE_MOVES_MAX 1000000

void actors_begin(void); /* a schedule: none has moved yet */

void actor_init(struct actor *actor, const char *name, void (*live)(struct actor *));

void actor_turn(struct actor *actor, int steps); /* it makes so many calls, or comes to rest before */
void actor_kill(struct actor *actor);            /* at the call where it stands */
void actor_rest(struct actor *actor);            /* called by the actor: the turn ends here */

/* Called by whichever actor is in turn: the turn ends here, in the middle of its life. False where it is dead. */
bool actor_sleep(void);

/* Around each call. False with ERROR_UNAVAILABLE where it isn't done, or where its reply is lost. */
bool call_begins(struct actor *actor, const struct service *service, struct error *error);
bool call_ends(struct actor *actor, const struct service *service, struct error *error);

#endif
