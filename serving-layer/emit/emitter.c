/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/emitter.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "serving_metrics.h"

#define SAY_AFTER_US (2 * US_PER_SECOND)   /* a wait for one thing that is shorter isn't said */
#define WAIT_LOOK_US (100 * INT64_C(1000)) /* whether there is a state by now */

static void set_state(struct emitter *emitter, enum emitter_state state, const struct error *error)
{
    pthread_mutex_lock(&emitter->lock);
    emitter->state = state;
    emitter->error = *error;
    pthread_mutex_unlock(&emitter->lock);
    metric_set(emitter->waiting, state == EMITTER_WAITS);
}

enum emitter_state emitter_look(struct emitter *emitter, struct error *ret_error)
{
    pthread_mutex_lock(&emitter->lock);
    enum emitter_state state = emitter->state;
    *ret_error = emitter->error;
    pthread_mutex_unlock(&emitter->lock);
    return state;
}

static int64_t note_state(struct emitter *emitter, enum emission_outcome outcome, int64_t now_us)
{
    const struct error none = {0};
    if (emitter->has_said || emitter->failed)
        log_info("%s, %s: goes on", emitter->sink->view->name, emitter->sink->to);
    emitter->has_said = false;
    emitter->failed = ERROR_NONE;
    retry_succeeded(&emitter->retry);
    metric_set(emitter->number, emitter->emission.number);
    metric_set(emitter->state_at, clock_wall_us());
    if (outcome == EMISSION_WROTE) {
        metric_add(emitter->rows, (int64_t)emitter->emission.rows);
        metric_add(emitter->restated, (int64_t)emitter->emission.restated);
    }
    set_state(emitter, emitter->is_once ? EMITTER_DONE : EMITTER_WORKS, &none);
    return emitter->is_once ? TICKER_END : now_us + emitter->sink->every_us;
}

static int64_t note_wait(struct emitter *emitter, const struct error *error, int64_t now_us)
{
    if (emitter->state != EMITTER_WAITS || strcmp(emitter->error.message, error->message) != 0)
        emitter->say_us = now_us + SAY_AFTER_US;
    if (now_us >= emitter->say_us) {
        log_info("%s, %s: waits: %s", emitter->sink->view->name, emitter->sink->to, error->message);
        emitter->has_said = true;
        emitter->say_us = INT64_MAX;
    }
    set_state(emitter, EMITTER_WAITS, error);
    int64_t every_us = emitter->sink->every_us;
    return now_us + (every_us < WAIT_LOOK_US ? every_us : WAIT_LOOK_US);
}

static int64_t note_failure(struct emitter *emitter, const struct error *error, int64_t now_us)
{
    metric_add(emitter->errors, 1);
    if (!error_is_retriable(error)) {
        set_state(emitter, EMITTER_BROKEN, error);
        return TICKER_END;
    }
    if (emitter->failed != error->code)
        log_warning("%s, %s: is tried again: %s", emitter->sink->view->name, emitter->sink->to, error->message);
    emitter->failed = error->code;
    set_state(emitter, EMITTER_WAITS, error);
    retry_failed(&emitter->retry, now_us);
    return emitter->retry.next_us;
}

static int64_t tick(void *context)
{
    struct emitter *emitter = context;
    struct error error = {0};
    int64_t now_us = clock_monotonic_us();
    enum emission_outcome outcome = emission_turn(&emitter->emission, &error);
    if (outcome == EMISSION_WAITS)
        return note_wait(emitter, &error, now_us);
    return outcome == EMISSION_FAILED ? note_failure(emitter, &error, now_us) : note_state(emitter, outcome, now_us);
}

void emitter_init(struct emitter *emitter, const struct emission_options *options, bool is_once,
                  struct metrics *metrics)
{
    const char *const labels[] = {options->sink->view->name, options->sink->to};
    *emitter = (struct emitter){.sink = options->sink,
                                .is_once = is_once,
                                .retry = RETRY_DEPENDENCY,
                                .number = metrics_series(metrics, METRIC_SINK_NUMBER, labels),
                                .state_at = metrics_series(metrics, METRIC_SINK_STATE_AT, labels),
                                .rows = metrics_series(metrics, METRIC_SINK_ROWS, labels),
                                .restated = metrics_series(metrics, METRIC_SINK_RESTATED, labels),
                                .waiting = metrics_series(metrics, METRIC_SINK_WAITING, labels),
                                .errors = metrics_series(metrics, METRIC_SINK_ERRORS, labels),
                                .state = EMITTER_WAITS};
    error_set(&emitter->error, ERROR_TRY_AGAIN, "no state was taken yet");
    pthread_mutex_init(&emitter->lock, NULL);
    emission_init(&emitter->emission, options);
    ticker_init(&emitter->ticker, tick, emitter);
}

bool emitter_start(struct emitter *emitter, struct error *error)
{
    return ticker_start(&emitter->ticker, 0, error);
}

void emitter_clean_up(struct emitter *emitter)
{
    struct lease *lease = emitter->emission.options.lease;
    ticker_clean_up(&emitter->ticker);
    if (lease)
        lease->operations->release(lease);
    emission_clean_up(&emitter->emission);
    pthread_mutex_destroy(&emitter->lock);
}
