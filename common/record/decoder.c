/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "record/decimal.h"
#include "record/event_time.h"
#include "record/fault.h"
#include "record/json_walk.h"
#include "record/key_order.h"
#include "record/record.h"
#include "record/storage.h"

#define BINDINGS_MAX (FIELDS_MAX + 2)

enum binding_type { BIND_TEXT, BIND_KEY, BIND_INTEGER, BIND_DECIMAL, BIND_EVENT_TIME, BIND_FLAG };

/* What to do with the value of one declared name: a field, or the event time or the flag, which needn't be. */
struct binding {
    const char *name;
    enum binding_type type;
    unsigned scale;
    bool is_event_time;
};

struct decoder {
    const struct schema *schema;
    struct binding bindings[BINDINGS_MAX];
    struct json_key names[BINDINGS_MAX];
    uint32_t binding_count; /* also the binding of every key that isn't declared */
    uint64_t required;      /* fields that must be there, by number */
    struct json_scanner *scanner;
    const char *flag_name; /* NULL: none is wanted */
    struct storage storage;
    struct key_order order;
    struct date_cursor date; /* of the message before */

    /* The message at hand. */
    struct json_walk walk;
    const char *field; /* the field at fault, or "" */
    struct value *values;
    int64_t record_time_us, event_time_us;
    uint64_t seen; /* fields that were there, by number */
    bool has_event_time;
    enum flag flag;
    bool in_order;     /* so far the keys are found in the order */
    size_t next_key;   /* where the next one is expected there */
    uint64_t followed; /* the ones that were found there */
};

static uint64_t bit(size_t number)
{
    return UINT64_C(1) << number;
}

static void add_binding(struct decoder *decoder, struct binding binding)
{
    decoder->bindings[decoder->binding_count] = binding;
    decoder->names[decoder->binding_count] = json_key_of(text_of(binding.name));
    decoder->binding_count++;
}

static void add_field(struct decoder *decoder, size_t number)
{
    static const enum binding_type types[] = {
        [FIELD_TEXT] = BIND_TEXT, [FIELD_INTEGER] = BIND_INTEGER, [FIELD_DECIMAL] = BIND_DECIMAL};
    const struct field *field = &decoder->schema->fields[number];
    struct binding binding = {field->name, types[field->type], field->scale, false};
    if (number == decoder->schema->key) {
        binding.type = BIND_KEY;
    }
    binding.is_event_time = strcmp(field->name, decoder->schema->event_time) == 0;
    if (binding.type == BIND_KEY || binding.type == BIND_DECIMAL) {
        decoder->required |= bit(number);
    }
    add_binding(decoder, binding);
}

struct decoder *decoder_new(const struct schema *schema)
{
    assert(schema->field_count <= FIELDS_MAX);
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) {
        return NULL;
    }
    decoder->schema = schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        add_field(decoder, i);
    }
    if (schema_field(schema, text_of(schema->event_time)) == FIELD_NONE) {
        add_binding(decoder, (struct binding){schema->event_time, BIND_EVENT_TIME, 0, true});
    }
    decoder->scanner = json_scanner_new();
    if (!decoder->scanner) {
        decoder_destroy(decoder);
        return NULL;
    }
    return decoder;
}

void decoder_destroy(struct decoder *decoder)
{
    if (!decoder) {
        return;
    }
    json_scanner_destroy(decoder->scanner);
    storage_clean_up(&decoder->storage);
    json_key_stack_clean_up(&decoder->walk.keys);
    free(decoder);
}

void decoder_reset(struct decoder *decoder)
{
    storage_clear(&decoder->storage);
    json_key_stack_trim(&decoder->walk.keys);
}

static bool reject(struct decoder *decoder, const char *reason)
{
    return json_walk_fail(&decoder->walk, reason);
}

static bool reject_field(struct decoder *decoder, const char *field, const char *reason)
{
    decoder->field = field;
    return reject(decoder, reason);
}

static bool is_word(const struct json_token *token, const char *word)
{
    return token->type == JSON_OTHER && text_equal(token->text, text_of(word));
}

static bool is_null(const struct json_token *token)
{
    return is_word(token, "null");
}

static inline bool fill_text(struct decoder *decoder, uint32_t binding, const struct json_token *token)
{
    const char *name = decoder->bindings[binding].name;
    if (token->type != JSON_STRING) {
        return is_null(token) || reject_field(decoder, name, fault_of_text(token));
    }
    if (token->traits.lone_surrogate) {
        return reject_field(decoder, name, "a lone surrogate in a text");
    }
    if (token->traits.nul) {
        return reject_field(decoder, name, "a NUL character in a text");
    }
    decoder->values[binding] = (struct value){.present = true, .text = token->text};
    return true;
}

static inline bool fill_key(struct decoder *decoder, uint32_t binding, const struct json_token *token)
{
    const char *name = decoder->bindings[binding].name;
    if (token->type != JSON_STRING) {
        return reject_field(decoder, name, fault_of_text(token));
    }
    if (token->text.length == 0) {
        return reject_field(decoder, name, "an empty key");
    }
    if (token->text.length > KEY_BYTES_MAX) {
        return reject_field(decoder, name, "longer than 256 bytes");
    }
    return fill_text(decoder, binding, token);
}

static inline bool fill_integer(struct decoder *decoder, uint32_t binding, const struct json_token *token)
{
    struct json_number number;
    struct value value = {.present = true};
    if (token->type != JSON_OTHER || !json_number_parse(token->text, &number) ||
        !json_number_to_integer(&number, &value.number)) {
        return is_null(token) || reject_field(decoder, decoder->bindings[binding].name, fault_of_integer(token));
    }
    decoder->values[binding] = value;
    return true;
}

static inline bool fill_decimal(struct decoder *decoder, uint32_t binding, const struct json_token *token)
{
    struct json_number number;
    struct value value = {.present = true};
    unsigned scale = decoder->bindings[binding].scale;
    if (token->type != JSON_OTHER || !json_number_parse(token->text, &number) ||
        !decimal_from_number(&number, scale, &value.number)) {
        return reject_field(decoder, decoder->bindings[binding].name, fault_of_decimal(token, scale));
    }
    decoder->values[binding] = value;
    return true;
}

static inline bool fill_event_time(struct decoder *decoder, const struct json_token *token)
{
    const char *name = decoder->schema->event_time;
    enum time_unit unit = decoder->schema->event_time_unit;
    struct json_number number;
    int64_t integer;
    if (unit == TIME_RFC3339) {
        if (token->type != JSON_STRING ||
            !event_time_parse_near(token->text, &decoder->date, &decoder->event_time_us)) {
            return reject_field(decoder, name, fault_of_event_time(token, unit));
        }
    } else if (token->type != JSON_OTHER || !json_number_parse(token->text, &number) ||
               !json_number_to_integer(&number, &integer) ||
               !event_time_from_number(integer, unit, &decoder->event_time_us)) {
        return reject_field(decoder, name, fault_of_event_time(token, unit));
    }
    if (decoder->record_time_us >= 0 &&
        decoder->event_time_us - decoder->record_time_us > decoder->schema->max_future_us) {
        return reject_field(decoder, name, "too far after its record's time");
    }
    decoder->has_event_time = true;
    return true;
}

static bool fill_flag(struct decoder *decoder, const struct json_token *token)
{
    decoder->flag = is_word(token, "true") ? FLAG_TRUE : FLAG_FALSE;
    return decoder->flag == FLAG_TRUE || is_word(token, "false") || is_null(token) ||
           reject_field(decoder, decoder->flag_name, "neither true nor false");
}

static inline bool fill_binding(struct decoder *decoder, uint32_t binding)
{
    struct json_token token;
    if (!json_walk_token(&decoder->walk, &token) ||
        (decoder->bindings[binding].is_event_time && !fill_event_time(decoder, &token))) {
        return false;
    }
    switch (decoder->bindings[binding].type) {
    case BIND_EVENT_TIME:
        return true;
    case BIND_FLAG:
        return fill_flag(decoder, &token);
    case BIND_TEXT:
        return fill_text(decoder, binding, &token);
    case BIND_INTEGER:
        return fill_integer(decoder, binding, &token);
    case BIND_KEY:
        decoder->seen |= bit(binding);
        return fill_key(decoder, binding, &token);
    case BIND_DECIMAL:
        decoder->seen |= bit(binding);
        return fill_decimal(decoder, binding, &token);
    }
    return false;
}

static uint32_t find_binding(const struct decoder *decoder, const struct json_key *key)
{
    uint32_t binding = 0;
    while (binding < decoder->binding_count && !json_key_equal(&decoder->names[binding], key)) {
        binding++;
    }
    return binding;
}

/* From here on the message's keys are compared with each other: those found in order so far go onto the stack. */
static bool leave_order(struct decoder *decoder)
{
    const struct key_order *order = &decoder->order;
    for (uint64_t left = decoder->followed; left; left &= left - 1) {
        if (!json_key_stack_push(&decoder->walk.keys, order->keys[__builtin_ctzll(left)])) {
            return reject(decoder, NULL);
        }
    }
    decoder->in_order = false;
    return true;
}

static bool resolve_key(struct decoder *decoder, struct json_key *key)
{
    if (decoder->in_order) {
        const struct key_order *order = &decoder->order;
        size_t found = key_order_find(order, decoder->next_key, key);
        if (found != KEY_ORDER_NONE) {
            key->number = order->keys[found].number;
            decoder->next_key = found + 1;
            decoder->followed |= bit(found);
            return true;
        }
        if (!leave_order(decoder)) {
            return false;
        }
    }
    key->number = find_binding(decoder, key);
    return json_key_stack_push(&decoder->walk.keys, *key) || reject(decoder, NULL);
}

/* Takes the key and colon that are expected next, where they stand there as they are, without blanks: then nothing but
 * the key's bytes is looked at. */
static inline bool take_expected_key(struct decoder *decoder, uint32_t *ret_binding)
{
    struct json_walk *walk = &decoder->walk;
    const struct key_order *order = &decoder->order;
    if (!decoder->in_order || walk->has_escapes || decoder->next_key == order->count) {
        return false;
    }
    const struct json_key *expected = &order->keys[decoder->next_key];
    const char *start = walk->data + walk->positions[walk->next], *colon = walk->data + walk->positions[walk->next + 1];
    if (colon - start != (ptrdiff_t)expected->length + 2 || *start != '"' || colon[-1] != '"' || *colon != ':') {
        return false;
    }
    struct json_key key = json_key_of((struct text){start + 1, expected->length});
    if (!json_key_equal(expected, &key)) {
        return false;
    }
    walk->next += 2;
    decoder->followed |= bit(decoder->next_key++);
    *ret_binding = expected->number;
    return true;
}

static bool take_key(struct decoder *decoder, uint32_t *ret_binding)
{
    struct json_key key;
    if (!json_walk_key(&decoder->walk, &key) || !resolve_key(decoder, &key)) {
        return false;
    }
    *ret_binding = key.number;
    return true;
}

static bool decode_members(struct decoder *decoder)
{
    struct json_walk *walk = &decoder->walk;
    if (json_walk_take(walk, '}')) {
        return true;
    }
    do {
        uint32_t binding;
        if (!take_expected_key(decoder, &binding) && !take_key(decoder, &binding)) {
            return false;
        }
        if (!(binding == decoder->binding_count ? json_walk_value(walk, 1) : fill_binding(decoder, binding))) {
            return false;
        }
    } while (json_walk_take(walk, ','));
    return json_walk_take(walk, '}') || reject(decoder, json_not_json);
}

static bool check_required(struct decoder *decoder)
{
    uint64_t missing = decoder->required & ~decoder->seen;
    if (missing) {
        return reject_field(decoder, decoder->bindings[__builtin_ctzll(missing)].name, "absent");
    }
    return decoder->has_event_time || reject_field(decoder, decoder->schema->event_time, "absent");
}

static bool decode_object(struct decoder *decoder, size_t token_count)
{
    struct json_walk *walk = &decoder->walk;
    if (!json_walk_take(walk, '{')) {
        return reject(decoder, "not an object");
    }
    if (!decode_members(decoder)) {
        return false;
    }
    if (walk->next != token_count) {
        return reject(decoder, "more than one object");
    }
    if (!decoder->in_order && !json_key_stack_distinct(&walk->keys, 0)) {
        return reject(decoder, "duplicate key");
    }
    if (!check_required(decoder)) {
        return false;
    }
    if (!decoder->in_order) {
        key_order_learn(&decoder->order, walk->keys.keys, walk->keys.count);
    }
    return true;
}

/* Copies the message behind its values, where it may be changed and outlives the payload. */
static bool prepare(struct decoder *decoder, struct text payload)
{
    size_t value_bytes = decoder->schema->field_count * sizeof *decoder->values;
    char *memory = storage_reserve(&decoder->storage, value_bytes + payload.length + JSON_PADDING);
    if (!memory) {
        return reject(decoder, NULL);
    }
    decoder->values = (struct value *)(void *)memory;
    decoder->walk.data = memory + value_bytes;
    memset(memory, 0, value_bytes);
    memcpy(decoder->walk.data, payload.data, payload.length);
    memset(decoder->walk.data + payload.length, 0, JSON_PADDING);
    decoder->walk.has_escapes = memchr(decoder->walk.data, '\\', payload.length) != NULL;
    decoder->walk.next = 0;
    decoder->walk.keys.count = 0;
    decoder->seen = decoder->followed = 0;
    decoder->has_event_time = false;
    decoder->flag = FLAG_ABSENT;
    decoder->in_order = true;
    decoder->next_key = 0;
    return true;
}

static bool scan(struct decoder *decoder, size_t length, size_t *ret_token_count)
{
    struct text text = {decoder->walk.data, length};
    switch (json_scan(decoder->scanner, text, &decoder->walk.positions, ret_token_count)) {
    case JSON_SCANNED:
        return true;
    case JSON_NOT_UTF8:
        return reject(decoder, "not UTF-8");
    case JSON_NOT_JSON:
        return reject(decoder, json_not_json);
    case JSON_NO_MEMORY:
        break;
    }
    return reject(decoder, NULL);
}

static bool decode(struct decoder *decoder, struct text payload)
{
    decoder->field = "";
    if (payload.length == 0) {
        return reject(decoder, "empty");
    }
    if (payload.length > MESSAGE_BYTES_MAX) {
        return reject(decoder, "longer than 1 MiB");
    }
    size_t token_count;
    return prepare(decoder, payload) && scan(decoder, payload.length, &token_count) &&
           decode_object(decoder, token_count);
}

enum decode_result decoder_decode(struct decoder *decoder, struct text payload, int64_t record_time_us,
                                  struct record *ret_record, struct rejection *ret_rejection)
{
    decoder->record_time_us = record_time_us;
    if (!decode(decoder, payload)) {
        const char *reason = decoder->walk.reason;
        if (!reason)
            return DECODE_NO_MEMORY;
        *ret_rejection =
            (struct rejection){decoder->field, *decoder->field ? reason : fault_of_payload(payload, reason)};
        return DECODE_REJECTED;
    }
    storage_take(&decoder->storage,
                 decoder->schema->field_count * sizeof *decoder->values + payload.length + JSON_PADDING);
    *ret_record = (struct record){decoder->event_time_us, decoder->values};
    return DECODE_GOOD;
}

void decoder_want_flag(struct decoder *decoder, const char *name)
{
    decoder->flag_name = name;
    add_binding(decoder, (struct binding){name, BIND_FLAG, 0, false});
}

enum flag decoder_flag(const struct decoder *decoder)
{
    return decoder->flag;
}

bool decoder_classify(struct decoder *decoder, struct text payload, int64_t record_time_us, bool *ret_good,
                      struct record *ret_record, struct rejection *ret_rejection, struct error *error)
{
    enum decode_result result = decoder_decode(decoder, payload, record_time_us, ret_record, ret_rejection);
    *ret_good = result == DECODE_GOOD;
    return result != DECODE_NO_MEMORY || error_set(error, ERROR_INTERNAL, "out of memory");
}
