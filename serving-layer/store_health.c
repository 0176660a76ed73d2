/* SPDX-License-Identifier: Apache-2.0 */
#include "store_health.h"

#include "base/log.h"

static const struct {
    const char *name, *label; /* the label is how metrics name it */
} stores[] = {[FOLLOWER_PUBLICATIONS] = {"PostgreSQL", "postgres"}, [FOLLOWER_SLOTS] = {"Redis", "redis"}};

void store_health_init(struct store_health *health, struct metrics *metrics)
{
    *health = (struct store_health){0};
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        health->stores[i].up = metrics_series(metrics, METRIC_STORE_UP, &stores[i].label);
        health->stores[i].errors = metrics_series(metrics, METRIC_STORE_ERRORS, &stores[i].label);
    }
}

static void note_answer(void *context, enum follower_store store)
{
    struct store_health *health = context;
    if (health->stores[store].down)
        log_info("%s answers again", stores[store].name);
    health->stores[store].down = ERROR_NONE;
    metric_set(health->stores[store].up, 1);
}

static void note_failure(void *context, enum follower_store store, const struct error *error)
{
    struct store_health *health = context;
    if (error->code != health->stores[store].down) /* another reason is said too */
        log_write(error_is_retriable(error) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                  "%s can't be read; answers stay as they are until it can: %s", stores[store].name, error->message);
    health->stores[store].down = error->code;
    metric_set(health->stores[store].up, 0);
    metric_add(health->stores[store].errors, 1);
}

static void say_damage(void *context, const struct slot_id *id, const struct error *damage)
{
    (void)context;
    log_error("%s/%d: its slot in the real-time store is damaged: %s", id->source, (int)id->partition, damage->message);
}

static void say_epoch(void *context, const struct source *source, int64_t epoch)
{
    (void)context;
    log_info("answering %s from epoch %lld", source->name, (long long)epoch);
}

static void say_lack(void *context, const struct error *error)
{
    (void)context;
    log_error("%s", error->message);
}

struct follower_listener store_health_listener(struct store_health *health)
{
    return (struct follower_listener){.answered = note_answer,
                                      .failed = note_failure,
                                      .damaged = say_damage,
                                      .placed = say_epoch,
                                      .lacks_memory = say_lack,
                                      .context = health};
}
