/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"
#include "program/program.h"
#include "config/words.h"

#define TOKEN_PREFIX "tm_" /* by which one is recognised where it shouldn't be */
#define TOKEN_RANDOM_BYTES 32

/* The tokens of one reading of the file; freed when the last request that was answered by them ends. */
struct token_set {
    struct tokens tokens;
    atomic_size_t holders;
};

struct access {
    const struct settings *settings;
    pthread_mutex_t mutex; /* guards `set`, for as long as it takes to hold it */
    struct token_set *set;
    struct file_state seen;
    struct error fault; /* of the last reading; code ERROR_NONE: it was right */
};

static void release(struct token_set *set)
{
    if (!set || atomic_fetch_sub(&set->holders, 1) > 1)
        return;
    tokens_clean_up(&set->tokens);
    free(set);
}

static bool read_set(const struct settings *settings, struct token_set **ret_set, struct error *error)
{
    struct token_set *set = calloc(1, sizeof *set);
    if (!set)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    set->holders = 1;
    if (!tokens_read(settings->http.tokens_file, settings, &set->tokens, error)) {
        free(set);
        return false;
    }
    *ret_set = set;
    return true;
}

bool access_open(const struct settings *settings, struct access **ret_access, struct error *error)
{
    struct access *access = calloc(1, sizeof *access);
    if (!access)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    access->settings = settings;
    pthread_mutex_init(&access->mutex, NULL);
    if (settings->http.tokens_file) {
        access->seen = file_state_of(settings->http.tokens_file);
        if (!read_set(settings, &access->set, error)) {
            access_close(access);
            return false;
        }
    }
    *ret_access = access;
    return true;
}

void access_close(struct access *access)
{
    if (!access)
        return;
    release(access->set);
    pthread_mutex_destroy(&access->mutex);
    free(access);
}

static void replace(struct access *access, struct token_set *set)
{
    pthread_mutex_lock(&access->mutex);
    struct token_set *old = access->set;
    access->set = set;
    pthread_mutex_unlock(&access->mutex);
    release(old);
}

bool access_refresh(struct access *access, struct error *error)
{
    const char *path = access->settings->http.tokens_file;
    struct token_set *set;
    const struct file_state now = path ? file_state_of(path) : access->seen;
    if (!file_state_equal(&now, &access->seen)) {
        access->seen = now; /* before it is read: what is written meanwhile is seen the next time */
        access->fault = (struct error){0};
        if (read_set(access->settings, &set, &access->fault)) {
            replace(access, set);
            log_info("%s was read again: %zu tokens", path, set->tokens.count);
        } else {
            log_error("the tokens stay as they were: %s", access->fault.message);
        }
    }
    return access->fault.code == ERROR_NONE || error_set(error, access->fault.code, "%s", access->fault.message);
}

bool access_is_restricted(const struct access *access)
{
    return access && access->settings->http.tokens_file;
}

static struct token_set *hold(struct access *access)
{
    pthread_mutex_lock(&access->mutex);
    struct token_set *set = access->set;
    atomic_fetch_add(&set->holders, 1);
    pthread_mutex_unlock(&access->mutex);
    return set;
}

/* Looks at all of them, and at all of each, so that the time it takes says nothing. */
static const struct access_token *find_token(const struct tokens *tokens,
                                             const unsigned char digest[TOKEN_DIGEST_BYTES])
{
    const struct access_token *found = NULL;
    for (size_t i = 0; i < tokens->count; i++)
        if (gnutls_memcmp(tokens->list[i].digest, digest, TOKEN_DIGEST_BYTES) == 0)
            found = &tokens->list[i];
    return found;
}

static bool digest_of(const char *token, unsigned char digest[TOKEN_DIGEST_BYTES])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), digest) == 0;
}

/* The token of "Bearer …", or NULL. */
static const char *bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *token = authorization + sizeof scheme - 1;
    token += strspn(token, " ");
    return *token ? token : NULL;
}

static bool has_expired(const struct access_token *token, int64_t now_us)
{
    return token->expires_us > 0 && token->expires_us <= now_us;
}

static const struct access_token *admit(const struct tokens *tokens, const char *authorization, int64_t now_us,
                                        struct problem *problem)
{
    unsigned char digest[TOKEN_DIGEST_BYTES];
    const char *sent = bearer(authorization);
    if (!sent) {
        problem_set(problem, 401, "a token is needed, in the header Authorization: Bearer TOKEN");
        return NULL;
    }
    const struct access_token *token = digest_of(sent, digest) ? find_token(tokens, digest) : NULL;
    if (!token)
        problem_set(problem, 401, "this token isn't known");
    else if (has_expired(token, now_us))
        problem_set(problem, 401, "the token %s has expired", token->name);
    else
        return token;
    return NULL;
}

bool access_enter(struct access *access, const char *authorization, int64_t now_us, struct visitor *ret_visitor,
                  struct problem *problem)
{
    *ret_visitor = (struct visitor){0};
    if (!access_is_restricted(access))
        return true;
    struct token_set *set = hold(access);
    const struct access_token *token = admit(&set->tokens, authorization, now_us, problem);
    if (token)
        *ret_visitor = (struct visitor){token, set};
    else
        release(set);
    return token != NULL;
}

bool access_renew(struct access *access, int64_t now_us, struct visitor *visitor)
{
    if (!access_is_restricted(access))
        return true;
    struct token_set *set = hold(access);
    const struct access_token *token =
        set == visitor->held ? visitor->token : find_token(&set->tokens, visitor->token->digest);
    if (!token || has_expired(token, now_us)) {
        release(set);
        return false;
    }
    release(visitor->held);
    *visitor = (struct visitor){token, set};
    return true;
}

void visitor_leave(struct visitor *visitor)
{
    release(visitor->held);
    *visitor = (struct visitor){0};
}

bool visitor_may_see(const struct visitor *visitor, const char *view)
{
    const struct access_token *token = visitor->token;
    if (!token || token->all_views)
        return true;
    for (size_t i = 0; i < token->view_count; i++)
        if (strcmp(token->views[i], view) == 0)
            return true;
    return false;
}

bool visitor_operates(const struct visitor *visitor)
{
    return !visitor->token || visitor->token->operates;
}

int access_print_new_token(const char *name)
{
    struct error error = {0};
    unsigned char chance[TOKEN_RANDOM_BYTES], digest[TOKEN_DIGEST_BYTES];
    struct buffer token = {0}, shown = {0};
    if (!is_name(text_of(name))) {
        error_set(&error, ERROR_USAGE, "a token's name is of " NAME_RULE);
        return program_fail(&error);
    }
    bool made = random_bytes(chance, sizeof chance);
    buffer_append_string(&token, TOKEN_PREFIX);
    hex_append((struct text){(const char *)chance, sizeof chance}, &token);
    made = made && !token.failed && digest_of(buffer_string(&token), digest);
    hex_append((struct text){(const char *)digest, sizeof digest}, &shown);
    if (made && !shown.failed)
        printf("# The token, shown this once. Give it to who asks, in the header Authorization: Bearer TOKEN.\n"
               "%s\n"
               "# Its entry for the file that http.tokens_file names.\n"
               "%s:\n  sha256: %s\n  views: all\n",
               buffer_string(&token), name, buffer_string(&shown));
    else
        error_set(&error, ERROR_INTERNAL, "no token can be made: the machine has no chance to give, or no memory");
    buffer_clean_up(&token);
    buffer_clean_up(&shown);
    return made && error.code == ERROR_NONE ? 0 : program_fail(&error);
}
