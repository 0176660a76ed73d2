/* SPDX-License-Identifier: Apache-2.0
 * What is wrong with a message, as closely as one who has to mend it needs it. Asked only once a rule is broken, so
 * that good messages don't pay for it; whatever is given, there is an answer. All are static texts. */
#ifndef TIDEMARK_RECORD_FAULT_H
#define TIDEMARK_RECORD_FAULT_H

#include "record/json_walk.h"
#include "record/record.h"

/* Of a message that as a whole isn't one JSON object; `reason` is what the decoder found, and the answer where there is
 * nothing more to say. */
const char *fault_of_payload(struct text payload, const char *reason);

/* Of a value that isn't what was declared. */
const char *fault_of_text(const struct json_token *token);
const char *fault_of_integer(const struct json_token *token);
const char *fault_of_decimal(const struct json_token *token, unsigned scale);
const char *fault_of_event_time(const struct json_token *token, enum time_unit unit);

#endif
