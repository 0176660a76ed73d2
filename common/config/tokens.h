/* SPDX-License-Identifier: Apache-2.0
 * Who may ask: the file that http.tokens_file names, a map of tokens by name. It holds no secret, only what a token's
 * SHA-256 is. */
#ifndef TIDEMARK_CONFIG_TOKENS_H
#define TIDEMARK_CONFIG_TOKENS_H

#include <stdio.h>

#include "base/arena.h"
#include "config/settings.h"

#define TOKEN_DIGEST_BYTES 32
#define TOKENS_MAX 10000

struct access_token {
    const char *name;
    unsigned char digest[TOKEN_DIGEST_BYTES]; /* SHA-256 of the token as it is sent */
    bool operates;                            /* it may ask how the programs are, not only for views */
    bool all_views;
    const char *const *views; /* the names of those it may ask for, where not for all */
    size_t view_count;
    int64_t expires_us; /* 0: never */
};

struct tokens {
    struct arena arena; /* holds all of it */
    const struct access_token *list;
    size_t count;
};

/* Reads the file of that name; the views it names have to be configured. ERROR_CONFIGURATION, "path:line:column: what",
 * where anything in it is wrong. The caller cleans up. */
bool tokens_read(const char *path, const struct settings *settings, struct tokens *ret_tokens,
                 struct error *error) MUST_CHECK;
void tokens_clean_up(struct tokens *tokens);

/* Prints the table of what a token has, for the reference. */
void tokens_print_reference(FILE *out);

#endif
