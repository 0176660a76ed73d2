/* SPDX-License-Identifier: Apache-2.0
 * What a rule says of a transaction: "Large transaction: {amount}". In braces stand declared fields and, of a velocity
 * rule, `count`, `more_than` and `within`, which go before fields of these names; {{ is a brace. */
#ifndef TIDEMARK_DETECT_RULE_MESSAGE_H
#define TIDEMARK_DETECT_RULE_MESSAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "record/record.h"

struct rule_message;

/* What a velocity rule has to say besides fields. */
struct velocity_words {
    int64_t more_than;
    const char *within; /* "5 minutes"; must live as long as the message */
};

/* Compiles it; `velocity` is NULL for a rule that isn't one. On failure the error is ERROR_CONFIGURATION and
 * *ret_position is the byte of `source` where it went wrong. Lives as long as the arena. */
bool rule_message_compile(struct text source, const struct schema *schema, const struct velocity_words *velocity,
                          struct arena *arena, const struct rule_message **ret_message, size_t *ret_position,
                          struct error *error) MUST_CHECK;

/* The text for these values; a null is "null". */
void rule_message_append(const struct rule_message *message, const struct schema *schema, const struct value values[],
                         int64_t count, struct buffer *out);

#endif
