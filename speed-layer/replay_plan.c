/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct planning {
    struct realtime_store *store;
    struct consumer *consumer;
    struct replay_plan *plan;
};

bool replay_fingerprint(const struct source *source, char ret_fingerprint[FINGERPRINT_SIZE])
{
    struct buffer form = {0};
    buffer_appendf(&form, "replay of %s\n", source->fingerprint);
    return fingerprint_of(&form, ret_fingerprint);
}

/* Whether programs follow the source by this definition, or did so last: what committed last tells. `beside` is that of
 * its replay. A replay that was killed may have committed last: it was one by a file in use. */
static bool find_use(const struct planning *planning, const struct source *source, const struct source *beside,
                     bool *ret_in_use, struct error *error)
{
    int32_t partitions = 0;
    struct slot_definitions definitions;
    struct realtime_store *store = planning->store;
    *ret_in_use = false;
    if (!planning->consumer->operations->partition_count(planning->consumer, source->topic, &partitions, error))
        return false;
    for (int32_t i = 0; i < partitions && !*ret_in_use; i++) {
        if (!store->operations->definitions(store, source->name, i, &definitions, error))
            return false;
        *ret_in_use = strcmp(definitions.reader, source->fingerprint) == 0 ||
                      strcmp(definitions.reader, beside->fingerprint) == 0;
    }
    return true;
}

/* What an earlier replay has left is no longer wanted: it may have been another release's. */
static bool forget_left(const struct planning *planning, const struct source *beside, struct error *error)
{
    int32_t partitions = 0;
    struct realtime_store *store = planning->store;
    bool done = planning->consumer->operations->partition_count(planning->consumer, beside->topic, &partitions, error);
    for (int32_t i = 0; done && i < partitions; i++) {
        bool was_there;
        done = store->operations->forget(store, slot_id_of(beside, i), 0, &was_there, error);
    }
    return done;
}

static bool take_source(struct planning *planning, const struct source *source, struct error *error)
{
    struct replay_plan *plan = planning->plan;
    struct source beside = *source;
    bool in_use;
    if (!replay_fingerprint(source, beside.fingerprint))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!find_use(planning, source, &beside, &in_use, error))
        return false;
    if (in_use && !source->is_stream_alone)
        return error_set(error, ERROR_CONFIGURATION,
                         "the source %s has a batch layer, and is in use by this file: tidemark-batch replay computes "
                         "it anew, and the speed layer goes on behind the cut",
                         source->name);
    struct source *own = &plan->sources[plan->count];
    *own = in_use ? beside : *source;
    plan->places[plan->count++] = in_use ? source->fingerprint : NULL;
    log_info("source %s: %s", source->name,
             in_use ? "its slots give way to those that are built beside them"
                    : "slots of this definition are built, beside those that are in use");
    return !in_use || forget_left(planning, own, error);
}

bool replay_plan_make(const struct settings *settings, const char *only_source, struct realtime_store *store,
                      struct consumer *consumer, struct replay_plan *ret_plan, struct error *error)
{
    struct planning planning = {store, consumer, ret_plan};
    *ret_plan = (struct replay_plan){.sources = calloc(settings->source_count + 1, sizeof *ret_plan->sources),
                                     .places = calloc(settings->source_count + 1, sizeof *ret_plan->places)};
    if (!ret_plan->sources || !ret_plan->places)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct source *source = &settings->sources[i];
        bool is_wanted = only_source ? strcmp(source->name, only_source) == 0 : !source->is_batch_alone;
        if (is_wanted && source->is_batch_alone)
            return error_set(error, ERROR_CONFIGURATION, "the source %s says speed: none: there is nothing to replay",
                             source->name);
        if (is_wanted && !take_source(&planning, source, error))
            return false;
    }
    if (ret_plan->count > 0)
        return true;
    return only_source
               ? error_set(error, ERROR_USAGE, "the configuration has no source %s", only_source)
               : error_set(error, ERROR_CONFIGURATION, "each source says speed: none: there is nothing to replay");
}

void replay_plan_clean_up(struct replay_plan *plan)
{
    free(plan->sources);
    free((void *)plan->places);
}
