/* SPDX-License-Identifier: Apache-2.0
 * Who may ask for what. Where no file of tokens is configured everybody may ask for everything; else who asks shows a
 * token (RFC 6750), and what it may see is in the file.
 *
 * The file is read again when it changes. Where it then can't be, the tokens stay as they were, and it is said. */
#ifndef TIDEMARK_SERVING_ACCESS_H
#define TIDEMARK_SERVING_ACCESS_H

#include "config/tokens.h"
#include "http/problem.h"

struct access;

/* Who asks, for as long as one request is answered. */
struct visitor {
    const struct access_token *token; /* NULL: everybody may ask for everything */
    struct token_set *held;           /* keeps the token alive; NULL likewise */
};

/* Reads the file that the settings name, if any; the settings outlive it. ERROR_CONFIGURATION where it is wrong. */
bool access_open(const struct settings *settings, struct access **ret_access, struct error *error) MUST_CHECK;
void access_close(struct access *access); /* when nobody asks any more; NULL is allowed */

/* Reads the file again where it has changed; to be called about once a second. False where it can't be read, or wasn't
 * right when it was read last: the error says why. */
bool access_refresh(struct access *access, struct error *error);

bool access_is_restricted(const struct access *access);

/* Finds out who asks by what the header Authorization says (NULL: nothing). False with 401 where that is no token that
 * is valid now. Ends with visitor_leave. `access` may be NULL: everybody may. Any thread. */
bool access_enter(struct access *access, const char *authorization, int64_t now_us, struct visitor *ret_visitor,
                  struct problem *problem) MUST_CHECK;
void visitor_leave(struct visitor *visitor);

/* Whether the visitor's token still counts: it hasn't expired, and is in the file that was read last. What it may see
 * is then what that says. `access` may be NULL. One thread at a time for a visitor. */
bool access_renew(struct access *access, int64_t now_us, struct visitor *visitor) MUST_CHECK;

bool visitor_may_see(const struct visitor *visitor, const char *view);
bool visitor_operates(const struct visitor *visitor);

/* A new token, and the lines that let it in: prints both. Returns the exit code. */
int access_print_new_token(const char *name);

#endif
