/* SPDX-License-Identifier: Apache-2.0
 * A thread that keeps one sink: a turn every so often, again after failures, and what operators are told of it. */
#ifndef TIDEMARK_EMIT_EMITTER_H
#define TIDEMARK_EMIT_EMITTER_H

#include "base/retry.h"
#include "base/ticker.h"
#include "emit/emission.h"
#include "metrics/metrics.h"

enum emitter_state {
    EMITTER_WORKS,
    EMITTER_WAITS, /* also while its sink is down */
    EMITTER_DONE,  /* it was to write once, and has */
    EMITTER_BROKEN /* only an operator can help */
};

struct emitter {
    struct emission emission;
    const struct sink *sink;
    bool is_once;
    struct retry retry;
    int64_t say_us;         /* when what it waits for is said, unless it has been; monotonic */
    bool has_said;          /* that it waits, since it worked last */
    enum error_code failed; /* how the last turn failed, and was said to have */
    struct metric_series *number, *state_at, *rows, *restated, *waiting, *errors;
    struct ticker ticker;
    pthread_mutex_t lock; /* of what others ask for: */
    enum emitter_state state;
    struct error error; /* while it waits, or is broken */
};

/* What the options point to, and the metrics, outlive it; it stays where it is. */
void emitter_init(struct emitter *emitter, const struct emission_options *options, bool is_once,
                  struct metrics *metrics);
bool emitter_start(struct emitter *emitter, struct error *error) MUST_CHECK;
/* What it does now; `ret_error` says more where it waits or is broken. Any thread. */
enum emitter_state emitter_look(struct emitter *emitter, struct error *ret_error);
/* Waits for the turn that is on its way, and gives the lease up. */
void emitter_clean_up(struct emitter *emitter);

#endif
