/* SPDX-License-Identifier: Apache-2.0
 * A slot as the fields of its meta key. Numbers are decimal text, the tail's hash is 16 hex digits. */
#ifndef TIDEMARK_REDIS_SLOT_CODEC_H
#define TIDEMARK_REDIS_SLOT_CODEC_H

#include <hiredis/hiredis.h>

#include "redis/words.h"
#include "state/commit.h"
#include "state/slot_reader.h"

/* From the reply to HGETALL: fields and values in turn. An empty reply is a slot that doesn't exist.
 * ERROR_DATA where a field is missing or isn't what it must be; one that isn't known is passed over. Of a newer format
 * only the field that names it is read. */
bool slot_decode(const redisReply *reply, struct slot *ret_slot, struct error *error) MUST_CHECK;

/* From the reply of the functions "slot" and "read": the fields, a word, and a list. ERROR_DATA too where the word says
 * that the fields were edited. */
bool slot_decode_answer(const redisReply *reply, struct slot *ret_slot, struct error *error) MUST_CHECK;
bool answer_is(const redisReply *reply, const char *word);
/* The digest of its fields; empty where it has none. */
void slot_decode_digest(const redisReply *reply, char ret_digest[SLOT_STATE_SIZE]);

/* From the reply of the function "definitions": fields and values, and whether there is a slot without a definition.
 * What isn't a fingerprint is passed over. */
bool definitions_decode(const redisReply *reply, struct slot_definitions *ret_definitions);

/* Room for what the words point into; it must outlive them. */
#define GAPS_TEXT_SIZE (GAPS_MAX * 42) /* "<from>-<to>,…" */
struct slot_texts {
    struct slot slot;
    char start[32], consumed[32], last[32], last_value[48], gaps[GAPS_TEXT_SIZE];
};

/* Adds the fields and values of a slot that begins anew: its only epoch begins at `next`. */
void slot_encode(const struct slot *fresh, struct slot_texts *texts, struct words *words);
/* Adds those that a commit changes. */
void slot_encode_commit(const struct commit *commit, struct slot_texts *texts, struct words *words);

#endif
