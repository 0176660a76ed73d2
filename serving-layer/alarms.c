/* SPDX-License-Identifier: Apache-2.0 */
#include "alarms.h"

#include "base/text.h"

static const char *const names[ALARM_KINDS] = {[ALARM_TOKENS] = "tokens", [ALARM_CERTIFICATE] = "certificate"};

void alarms_init(struct alarms *alarms)
{
    *alarms = (struct alarms){0};
    pthread_mutex_init(&alarms->mutex, NULL);
}

void alarms_clean_up(struct alarms *alarms)
{
    pthread_mutex_destroy(&alarms->mutex);
}

void alarms_set(struct alarms *alarms, enum alarm_kind kind, const struct error *why)
{
    pthread_mutex_lock(&alarms->mutex);
    alarms->why[kind] = *why;
    pthread_mutex_unlock(&alarms->mutex);
}

void alarms_append(struct alarms *alarms, struct buffer *out)
{
    const char *separator = "";
    pthread_mutex_lock(&alarms->mutex);
    buffer_append_char(out, '[');
    for (size_t i = 0; i < ALARM_KINDS; i++) {
        if (alarms->why[i].code == ERROR_NONE)
            continue;
        buffer_appendf(out, "%s{\"name\": \"%s\", \"message\": ", separator, names[i]);
        buffer_append_json(out, text_of(alarms->why[i].message));
        buffer_append_char(out, '}');
        separator = ", ";
    }
    buffer_append_char(out, ']');
    pthread_mutex_unlock(&alarms->mutex);
}
