/* SPDX-License-Identifier: Apache-2.0
 * A slot as the fields of its meta key. Numbers are decimal text, the tail's hash is 16 hex digits. */
#ifndef TIDEMARK_REDIS_SLOT_CODEC_H
#define TIDEMARK_REDIS_SLOT_CODEC_H

#include <hiredis/hiredis.h>

#include "ports/realtime_store.h"
#include "redis/words.h"

/* From the reply to HGETALL: fields and values in turn. An empty reply is a slot that doesn't exist.
 * ERROR_CONFIGURATION where the format is newer than ours, ERROR_DATA where a field is missing or isn't what it must
 * be. */
bool slot_decode(const redisReply *reply, struct slot *ret_slot, struct error *error) MUST_CHECK;

/* Adds the fields and values of a slot that begins anew: its only epoch begins at `next`. `ret_start` is the name of
 * the field of that epoch and must outlive the words. */
#define START_FIELD_SIZE 32
void slot_encode(const struct slot *fresh, char ret_start[START_FIELD_SIZE], struct words *words);

#endif
