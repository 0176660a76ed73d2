/* SPDX-License-Identifier: Apache-2.0 */
#include "actor.h"

#include <stddef.h>

#include "chance.h"

static void run(void *context)
{
    struct actor *actor = context;
    for (;;) {
        actor->dead = false;
        actor->alive = true;
        actor->live(actor);
        actor->alive = false;
        fiber_yield();
    }
}

void actor_init(struct actor *actor, const char *name, void (*live)(struct actor *))
{
    actor->name = name;
    actor->live = live;
    actor->dead = actor->alive = actor->inside = false;
    if (!actor->fiber)
        actor->fiber = fiber_new(run, actor);
}

void actor_turn(struct actor *actor, int steps)
{
    actor->steps = steps;
    fiber_resume(actor->fiber);
}

void actor_kill(struct actor *actor)
{
    actor->dead = true;
    while (actor->alive)
        fiber_resume(actor->fiber);
}

void actor_rest(struct actor *actor)
{
    if (!actor->dead)
        fiber_yield();
}

bool call_begins(struct actor *actor, const struct service *service, struct error *error)
{
    time_pass(1); /* so that it shows what came first */
    if (!actor->dead && actor->steps-- <= 0) {
        actor->inside = true;
        actor->service = service;
        fiber_yield();
        actor->inside = false;
    }
    if (actor->dead || service->is_down)
        return error_set(error, ERROR_UNAVAILABLE, "%s is down", service->name);
    return true;
}

bool call_ends(struct actor *actor, const struct service *service, struct error *error)
{
    (void)actor;
    return chance_below(100) >= service->lost_in_100 ||
           error_set(error, ERROR_UNAVAILABLE, "%s: the reply was lost", service->name);
}
