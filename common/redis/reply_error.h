/* SPDX-License-Identifier: Apache-2.0
 * What an error reply of Redis, or of the function library, means for the caller. */
#ifndef TIDEMARK_REDIS_REPLY_ERROR_H
#define TIDEMARK_REDIS_REPLY_ERROR_H

#include "base/error.h"
#include "base/text.h"

/* True where the server doesn't know the function that was called. */
bool reply_is_unknown_function(struct text reply);

/* Sets the error that this reply stands for; returns false. */
bool reply_error_set(struct error *error, struct text reply);

#endif
