/* SPDX-License-Identifier: Apache-2.0
 * An order as typed values: which fields a source declares, and one message decoded by them.
 *
 * A message is accepted or bad by these rules. It is bad unless it is one JSON object in UTF-8, at most 64 levels deep,
 * without a duplicate key at any depth (keys are compared after unescaping), with only blanks behind it, where
 * - the key field (if the source has one) is a string of 1..256 bytes;
 * - the event time is a string with an RFC 3339 time, or a number of milliseconds, seconds or microseconds, by `unit`,
 *   from the year 2000 until 2100 in UTC, and no more than max_future after the record's time;
 * - a decimal is a JSON number with at most `scale` digits after the point once trailing zeros are dropped and below
 *   10^15 in absolute value: not null, not absent;
 * - an integer is null, absent, or a number of 64 bits without fraction or exponent;
 * - a text is null, absent, or a string that UTF-8 can hold (no lone surrogate), without NUL.
 * - the flag, where one is wanted, is null, absent, true or false.
 * Fields that nobody declared need only be valid JSON. An empty or null payload is bad, and so is one over 1 MiB. */
#ifndef TIDEMARK_RECORD_RECORD_H
#define TIDEMARK_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define FIELDS_MAX 64     /* declared fields of a source */
#define KEY_BYTES_MAX 256 /* of an order's key */
#define MESSAGE_BYTES_MAX ((size_t)1 << 20)
#define JSON_DEPTH_MAX 64
#define DECIMAL_DIGITS 15   /* before the point */
#define DECIMAL_SCALE_MAX 3 /* so that every decimal fits 64 bits of minor units */

enum field_type { FIELD_TEXT, FIELD_INTEGER, FIELD_DECIMAL };
enum time_unit { TIME_RFC3339, TIME_SECONDS, TIME_MILLISECONDS, TIME_MICROSECONDS };

struct field {
    const char *name;
    enum field_type type;
    unsigned scale; /* of a decimal; else 0 */
};

#define FIELD_NONE SIZE_MAX

struct schema {
    const struct field *fields;
    size_t field_count;
    size_t key;             /* number of the key field, or FIELD_NONE */
    const char *event_time; /* name of the event time's field in the JSON; need not be among `fields` */
    enum time_unit event_time_unit;
    int64_t max_future_us; /* how far an event time may be after its record's time */
};

/* The number of the field with this name, or FIELD_NONE. */
size_t schema_field(const struct schema *schema, struct text name);
/* The name of a field that is called `date` or `timestamp`, as what tables and files of messages have of each event
 * time; NULL where none is. */
const char *schema_day_field(const struct schema *schema);

struct value {
    bool present; /* false is null, or absent */
    union {
        struct text text;
        int64_t number; /* an integer, or a decimal in minor units */
    };
};

/* As JSON: null, a string, or a number with the field's scale. */
void buffer_append_value(struct buffer *buffer, const struct field *field, const struct value *value);

struct record {
    int64_t event_time_us;      /* microseconds since 1970 in UTC, finer digits cut */
    const struct value *values; /* one a declared field */
};

/* Why a message is bad: static text, so it may be kept. */
struct rejection {
    const char *field;  /* the declared field, or "" for the message as a whole */
    const char *reason; /* "a date without a time of day", "duplicate key", … */
};

struct decoder;

/* A decoder for one thread. The schema must outlive it. NULL where memory is short. */
struct decoder *decoder_new(const struct schema *schema);
void decoder_destroy(struct decoder *decoder);

enum decode_result {
    DECODE_GOOD,      /* *ret_record is the message's record */
    DECODE_REJECTED,  /* the message is bad: *ret_rejection says why */
    DECODE_NO_MEMORY, /* it wasn't judged: it must be decoded again, not counted as bad */
};

/* Decodes one message. `record_time_us` is the record's time, or -1 where it has none (then max_future isn't checked).
 * The record's memory is the decoder's and stays valid until decoder_reset, so a batch can be decoded before it is
 * applied. No allocation a message once warm. */
enum decode_result decoder_decode(struct decoder *decoder, struct text payload, int64_t record_time_us,
                                  struct record *ret_record, struct rejection *ret_rejection);
/* The same for who sorts messages and has an error to set: false only where memory is short. Else *ret_good says which
 * of *ret_record and *ret_rejection is filled. */
bool decoder_classify(struct decoder *decoder, struct text payload, int64_t record_time_us, bool *ret_good,
                      struct record *ret_record, struct rejection *ret_rejection, struct error *error) MUST_CHECK;
/* Before the first message: has a member that is no field, and true or false, judged. The name must outlive the
 * decoder. */
void decoder_want_flag(struct decoder *decoder, const char *name);
/* What the message that was decoded last, and is good, says of it. */
enum flag { FLAG_ABSENT, FLAG_FALSE /* or null */, FLAG_TRUE };
enum flag decoder_flag(const struct decoder *decoder);
void decoder_reset(struct decoder *decoder);

/* The digits of a JSON number to minor units, exactly; false where it isn't a valid decimal at this scale. */
bool decimal_parse(struct text digits, unsigned scale, int64_t *ret_minor);

/* RFC 3339 text (a `T`, `t` or blank between; up to nine decimals; no offset means UTC; 2000 until 2100) to µs. */
bool event_time_parse(struct text text, int64_t *ret_us);

#endif
