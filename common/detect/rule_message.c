/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/rule_message.h"

#include "base/spelling.h"
#include "base/wide.h"

enum piece_kind { PIECE_TEXT, PIECE_FIELD, PIECE_COUNT };

struct piece {
    enum piece_kind kind;
    struct text text;
    size_t field;
};

struct rule_message {
    size_t count;
    struct piece pieces[];
};

static const char *const velocity_names[] = {"count", "more_than", "within"};
#define VELOCITY_NAMES (sizeof velocity_names / sizeof velocity_names[0])

static bool out_of_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool unknown_name(struct text name, const struct schema *schema, const struct velocity_words *velocity,
                         struct error *error)
{
    const char *known[FIELDS_MAX + VELOCITY_NAMES];
    char word[64] = "";
    size_t count = 0;
    for (size_t i = 0; i < schema->field_count; i++)
        known[count++] = schema->fields[i].name;
    for (size_t i = 0; velocity && i < VELOCITY_NAMES; i++)
        known[count++] = velocity_names[i];
    if (name.length < sizeof word)
        memcpy(word, name.data, name.length);
    const char *meant = *word ? nearest_word(word, known, count) : NULL;
    return error_set(error, ERROR_CONFIGURATION, "a message can't name {%.*s}%s%s%s",
                     (int)(name.length < 60 ? name.length : 60), name.data, meant ? "; did you mean {" : "",
                     meant ? meant : "", meant ? "}?" : "");
}

static bool name_piece(struct text name, const struct schema *schema, const struct velocity_words *velocity,
                       struct arena *arena, struct piece *piece, struct error *error)
{
    if (velocity && text_equal(name, text_of("count"))) {
        piece->kind = PIECE_COUNT;
        return true;
    }
    if (velocity && text_equal(name, text_of("within"))) {
        piece->text = text_of(velocity->within);
        return true;
    }
    if (velocity && text_equal(name, text_of("more_than"))) {
        const char *number = arena_printf(arena, "%lld", (long long)velocity->more_than);
        piece->text = number ? text_of(number) : (struct text){0};
        return number || out_of_memory(error);
    }
    piece->kind = PIECE_FIELD;
    piece->field = schema_field(schema, name);
    return piece->field != FIELD_NONE || unknown_name(name, schema, velocity, error);
}

/* The piece that begins at `at`; *ret_end is the byte behind it. */
static bool next_piece(struct text source, size_t at, const struct schema *schema,
                       const struct velocity_words *velocity, struct arena *arena, struct piece *piece, size_t *ret_end,
                       struct error *error)
{
    const char *begin = source.data + at, *end = source.data + source.length;
    *piece = (struct piece){.kind = PIECE_TEXT};
    if (*begin != '{') {
        const char *brace = memchr(begin, '{', (size_t)(end - begin));
        piece->text = (struct text){begin, (size_t)((brace ? brace : end) - begin)};
        *ret_end = at + piece->text.length;
        return true;
    }
    if (begin + 1 < end && begin[1] == '{') {
        piece->text = (struct text){begin, 1};
        *ret_end = at + 2;
        return true;
    }
    const char *close = memchr(begin, '}', (size_t)(end - begin));
    if (!close)
        return error_set(error, ERROR_CONFIGURATION, "a brace isn't closed; {{ is a brace");
    *ret_end = at + (size_t)(close - begin) + 1;
    return name_piece((struct text){begin + 1, (size_t)(close - begin) - 1}, schema, velocity, arena, piece, error);
}

bool rule_message_compile(struct text source, const struct schema *schema, const struct velocity_words *velocity,
                          struct arena *arena, const struct rule_message **ret_message, size_t *ret_position,
                          struct error *error)
{
    size_t most = 1;
    for (size_t i = 0; i < source.length; i++)
        most += source.data[i] == '{' || source.data[i] == '}';
    const char *copy = arena_copy(arena, source);
    struct rule_message *message = arena_allocate(arena, sizeof *message + 2 * most * sizeof message->pieces[0]);
    if (!copy || !message)
        return out_of_memory(error);
    source.data = copy;
    for (size_t at = 0; at < source.length; message->count++) {
        *ret_position = at;
        if (!next_piece(source, at, schema, velocity, arena, &message->pieces[message->count], &at, error))
            return false;
    }
    *ret_message = message;
    return true;
}

static void append_field(const struct field *field, const struct value *value, struct buffer *out)
{
    if (!value->present)
        buffer_append_string(out, "null");
    else if (field->type == FIELD_TEXT)
        buffer_append_text(out, value->text);
    else
        buffer_append_decimal(out, value->number, field->scale);
}

void rule_message_append(const struct rule_message *message, const struct schema *schema, const struct value values[],
                         int64_t count, struct buffer *out)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct piece *piece = &message->pieces[i];
        if (piece->kind == PIECE_TEXT)
            buffer_append_text(out, piece->text);
        else if (piece->kind == PIECE_COUNT)
            buffer_append_integer(out, count);
        else
            append_field(&schema->fields[piece->field], &values[piece->field], out);
    }
}
