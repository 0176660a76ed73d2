/* SPDX-License-Identifier: Apache-2.0
 * What is wrong with the program itself, and stays so until somebody acts. */
#ifndef TIDEMARK_SERVING_ALARMS_H
#define TIDEMARK_SERVING_ALARMS_H

#include <pthread.h>

#include "base/buffer.h"
#include "base/error.h"

enum alarm_kind {
    ALARM_TOKENS,      /* the file of tokens changed and can't be used: those of before count */
    ALARM_CERTIFICATE, /* that of http.tls has expired, or changed and can't be used: that of before is shown */
    ALARM_KINDS,
};

struct alarms {
    pthread_mutex_t mutex;
    struct error why[ALARM_KINDS]; /* code ERROR_NONE: there is no such alarm */
};

void alarms_init(struct alarms *alarms);
void alarms_clean_up(struct alarms *alarms);

/* Any thread. `why` with the code ERROR_NONE ends the alarm. */
void alarms_set(struct alarms *alarms, enum alarm_kind kind, const struct error *why);

/* A list in JSON: [{"name": "certificate", "message": "…"}] */
void alarms_append(struct alarms *alarms, struct buffer *out);

#endif
