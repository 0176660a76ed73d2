/* SPDX-License-Identifier: Apache-2.0
 * A walk over the tokens of one JSON text, in order, that checks all that the scan leaves open: grammar, numbers,
 * literals, escapes, depth and duplicate keys. The text is the walk's to change: escapes are replaced in place. */
#ifndef TIDEMARK_RECORD_JSON_WALK_H
#define TIDEMARK_RECORD_JSON_WALK_H

#include "record/json_key.h"
#include "record/json_scan.h"
#include "record/json_string.h"

struct json_walk {
    char *data; /* the text, with its padding */
    const uint32_t *positions;
    size_t next;                /* number of the next token */
    bool has_escapes;           /* there is a backslash somewhere in the text */
    struct json_key_stack keys; /* of the objects that are open and checked here */
    const char *reason;         /* why a step failed: static text, or NULL where memory was short */
};

enum json_token_type { JSON_STRING, JSON_OTHER };

struct json_token {
    enum json_token_type type;
    struct text text; /* a string unescaped and without its quotes; any other token as it stands */
    struct json_string_traits traits;
};

static const char json_not_json[] = "not JSON";

/* Sets the reason; returns false. */
static inline bool json_walk_fail(struct json_walk *walk, const char *reason)
{
    walk->reason = reason;
    return false;
}

/* The first byte of the next token; a zero byte at the end of the text. */
static inline char json_walk_peek(const struct json_walk *walk)
{
    return walk->data[walk->positions[walk->next]];
}

/* Takes the next token if it is this punctuation. */
static inline bool json_walk_take(struct json_walk *walk, char punctuation)
{
    bool taken = json_walk_peek(walk) == punctuation;
    walk->next += taken;
    return taken;
}

/* Unescapes a string token; false, with the reason, where an escape is invalid. */
bool json_walk_unescape(struct json_walk *walk, struct json_token *token);

/* Takes one token that isn't a bracket (for which text is what stands up to the next token). A string is checked here,
 * any other token is the caller's to check. */
static inline bool json_walk_token(struct json_walk *walk, struct json_token *ret_token)
{
    char *start = walk->data + walk->positions[walk->next];
    char *end = walk->data + walk->positions[walk->next + 1];
    while (end > start && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\t')) {
        end--;
    }
    if (start == end) {
        return json_walk_fail(walk, json_not_json);
    }
    walk->next++;
    *ret_token = (struct json_token){.type = JSON_OTHER, .text = {start, (size_t)(end - start)}};
    if (*start != '"') {
        return true;
    }
    if (end - start < 2 || end[-1] != '"') {
        return json_walk_fail(walk, json_not_json);
    }
    *ret_token = (struct json_token){.type = JSON_STRING, .text = {start + 1, (size_t)(end - start) - 2}};
    if (!walk->has_escapes) {
        return true;
    }
    struct json_token escaped = *ret_token; /* a copy, so that the common case stays in registers */
    if (!json_walk_unescape(walk, &escaped)) {
        return false;
    }
    *ret_token = escaped;
    return true;
}

/* Takes a key and its colon. */
static inline bool json_walk_key(struct json_walk *walk, struct json_key *ret_key)
{
    struct json_token token;
    if (json_walk_peek(walk) != '"') {
        return json_walk_fail(walk, json_not_json);
    }
    if (!json_walk_token(walk, &token)) {
        return false;
    }
    *ret_key = json_key_of(token.text);
    return json_walk_take(walk, ':') || json_walk_fail(walk, json_not_json);
}

/* Takes a value of any type inside a container at `depth` (the outermost is 1), and checks all of it. */
bool json_walk_value(struct json_walk *walk, unsigned depth);

#endif
