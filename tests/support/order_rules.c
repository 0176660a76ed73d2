/* SPDX-License-Identifier: Apache-2.0 */
#include "order_rules.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX 64
#define MESSAGE_MAX ((size_t)1 << 20)
#define PLACES_BEFORE_POINT 15
#define EXPONENT_FAR 100000000 /* further than any message is long */

enum node_kind { NODE_NULL, NODE_BOOLEAN, NODE_NUMBER, NODE_STRING, NODE_ARRAY, NODE_OBJECT };

struct points {
    const uint32_t *data;
    size_t count;
};

struct node {
    enum node_kind kind;
    struct points key;   /* of a member */
    struct points value; /* of a string, unescaped; of a number, as written */
    struct node *first, *next;
    size_t members;
};

/* All arrays have room for what a message of `capacity` bytes can need. */
struct order_rules {
    size_t capacity;
    uint32_t *input, *unescaped;
    struct node *nodes;
    const struct node **sorted;
    char *text;
    size_t input_count, unescaped_count, node_count, text_length;
    size_t at;
};

struct order_rules *order_rules_new(void)
{
    struct order_rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        abort();
    return rules;
}

static void free_arrays(struct order_rules *rules)
{
    free(rules->input);
    free(rules->unescaped);
    free(rules->nodes);
    free(rules->sorted);
    free(rules->text);
}

void order_rules_destroy(struct order_rules *rules)
{
    if (rules)
        free_arrays(rules);
    free(rules);
}

static void prepare(struct order_rules *rules, size_t length)
{
    if (length >= rules->capacity) {
        free_arrays(rules);
        size_t capacity = rules->capacity = length + 8192;
        rules->input = calloc(capacity + 1, sizeof *rules->input);
        rules->unescaped = calloc(capacity, sizeof *rules->unescaped);
        rules->nodes = calloc(capacity, sizeof *rules->nodes);
        rules->sorted = calloc(capacity, sizeof(const struct node *));
        rules->text = calloc(capacity, 4);
        if (!rules->input || !rules->unescaped || !rules->nodes || !rules->sorted || !rules->text)
            abort();
    }
    rules->input_count = rules->unescaped_count = rules->node_count = rules->text_length = rules->at = 0;
}

/* --- UTF-8 --- */

/* The code point at *at, or UINT32_MAX where there is none. */
static uint32_t decode_point(const unsigned char *bytes, size_t length, size_t *at)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = bytes[(*at)++];
    if (first < 0x80)
        return first;
    size_t size = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (size == 0 || length - *at < size - 1)
        return UINT32_MAX;
    uint32_t point = first & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        unsigned char next = bytes[(*at)++];
        if (next >> 6 != 2)
            return UINT32_MAX;
        point = point * 64 + (next & 63U);
    }
    bool allowed = point >= smallest[size] && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    return allowed ? point : UINT32_MAX;
}

bool rules_is_utf8(const char *text, size_t length)
{
    for (size_t at = 0; at < length;)
        if (decode_point((const unsigned char *)text, length, &at) == UINT32_MAX)
            return false;
    return true;
}

static bool decode_utf8(struct order_rules *rules, const unsigned char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        uint32_t point = decode_point(bytes, length, &at);
        if (point == UINT32_MAX)
            return false;
        rules->input[rules->input_count++] = point;
    }
    rules->input[rules->input_count] = UINT32_MAX; /* ends all loops below */
    return true;
}

static void encode_point(struct order_rules *rules, uint32_t point)
{
    char *to = rules->text + rules->text_length;
    size_t more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint32_t marks[] = {0, 0xc0, 0xe0, 0xf0};
    for (size_t i = more; i > 0; i--, point /= 64)
        to[i] = (char)(0x80 | point % 64);
    to[0] = (char)(marks[more] | point);
    rules->text_length += more + 1;
}

/* --- JSON --- */

static bool is_digit(uint32_t point)
{
    return point >= '0' && point <= '9';
}

static uint32_t peek(const struct order_rules *rules)
{
    return rules->input[rules->at];
}

static bool take(struct order_rules *rules, char wanted)
{
    bool taken = peek(rules) == (uint32_t)wanted;
    rules->at += taken;
    return taken;
}

static void skip_blanks(struct order_rules *rules)
{
    while (peek(rules) == ' ' || peek(rules) == '\t' || peek(rules) == '\n' || peek(rules) == '\r')
        rules->at++;
}

static bool take_word(struct order_rules *rules, const char *word)
{
    for (; *word; word++)
        if (!take(rules, *word))
            return false;
    return true;
}

static bool take_digits(struct order_rules *rules)
{
    size_t before = rules->at;
    while (is_digit(peek(rules)))
        rules->at++;
    return rules->at > before;
}

static bool take_number(struct order_rules *rules)
{
    (void)take(rules, '-');
    if (!take(rules, '0') && !take_digits(rules))
        return false;
    if (take(rules, '.') && !take_digits(rules))
        return false;
    if (!take(rules, 'e') && !take(rules, 'E'))
        return true;
    if (!take(rules, '+'))
        (void)take(rules, '-');
    return take_digits(rules);
}

static uint32_t hex_value(uint32_t point)
{
    if (is_digit(point))
        return point - '0';
    if ((point >= 'a' && point <= 'f') || (point >= 'A' && point <= 'F'))
        return (point & ~0x20U) - 'A' + 10;
    return UINT32_MAX;
}

/* Behind "\u". */
static bool take_unit(struct order_rules *rules, uint32_t *ret_unit)
{
    *ret_unit = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t value = hex_value(peek(rules));
        if (value == UINT32_MAX)
            return false;
        *ret_unit = *ret_unit * 16 + value;
        rules->at++;
    }
    return true;
}

/* A pair of surrogates is one character; one that is alone stays what it is. */
static bool take_unicode(struct order_rules *rules, uint32_t *ret_point)
{
    if (!take_unit(rules, ret_point))
        return false;
    size_t behind = rules->at;
    uint32_t low;
    if (*ret_point >= 0xd800 && *ret_point <= 0xdbff && take(rules, '\\') && take(rules, 'u') &&
        take_unit(rules, &low) && low >= 0xdc00 && low <= 0xdfff)
        *ret_point = 0x10000 + (*ret_point - 0xd800) * 0x400 + (low - 0xdc00);
    else
        rules->at = behind;
    return true;
}

static bool take_escape(struct order_rules *rules, uint32_t *ret_point)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (take(rules, 'u'))
        return take_unicode(rules, ret_point);
    for (size_t i = 0; i < sizeof letters - 1; i++)
        if (take(rules, letters[i])) {
            *ret_point = (uint32_t)meanings[i];
            return true;
        }
    return false;
}

static bool take_string(struct order_rules *rules, struct points *ret_points)
{
    struct points points = {rules->unescaped + rules->unescaped_count, 0};
    if (!take(rules, '"'))
        return false;
    while (!take(rules, '"')) {
        uint32_t point = peek(rules);
        if (point < 0x20 || point == UINT32_MAX)
            return false;
        rules->at++;
        if (point == '\\' && !take_escape(rules, &point))
            return false;
        rules->unescaped[rules->unescaped_count++] = point;
        points.count++;
    }
    *ret_points = points;
    return true;
}

static int compare_keys(const void *left, const void *right)
{
    const struct points *a = &(*(const struct node *const *)left)->key, *b = &(*(const struct node *const *)right)->key;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (size_t i = 0; i < a->count; i++)
        if (a->data[i] != b->data[i])
            return a->data[i] < b->data[i] ? -1 : 1;
    return 0;
}

static bool has_duplicate(struct order_rules *rules, const struct node *object)
{
    size_t count = 0;
    for (const struct node *member = object->first; member; member = member->next)
        rules->sorted[count++] = member;
    qsort(rules->sorted, count, sizeof(const struct node *), compare_keys);
    for (size_t i = 1; i < count; i++)
        if (compare_keys(&rules->sorted[i - 1], &rules->sorted[i]) == 0)
            return true;
    return false;
}

static struct node *take_value(struct order_rules *rules, unsigned level);

/* Behind the opening bracket. */
static bool take_inside(struct order_rules *rules, struct node *container, char end, unsigned level)
{
    struct node **tail = &container->first;
    skip_blanks(rules);
    if (take(rules, end))
        return true;
    do {
        struct points key = {NULL, 0};
        skip_blanks(rules);
        if (container->kind == NODE_OBJECT) {
            if (!take_string(rules, &key))
                return false;
            skip_blanks(rules);
            if (!take(rules, ':'))
                return false;
        }
        struct node *inner = take_value(rules, level);
        if (!inner)
            return false;
        inner->key = key;
        *tail = inner;
        tail = &inner->next;
    } while (take(rules, ','));
    return take(rules, end) && !(container->kind == NODE_OBJECT && has_duplicate(rules, container));
}

static bool take_kind(struct order_rules *rules, struct node *node, unsigned level)
{
    size_t start = rules->at;
    switch (peek(rules)) {
    case '{':
    case '[':
        node->kind = peek(rules) == '{' ? NODE_OBJECT : NODE_ARRAY;
        rules->at++;
        return level < LEVELS_MAX && take_inside(rules, node, node->kind == NODE_OBJECT ? '}' : ']', level + 1);
    case '"':
        node->kind = NODE_STRING;
        return take_string(rules, &node->value);
    case 'n':
        node->kind = NODE_NULL;
        return take_word(rules, "null");
    case 't':
    case 'f':
        node->kind = NODE_BOOLEAN;
        return take_word(rules, peek(rules) == 't' ? "true" : "false");
    default:
        node->kind = NODE_NUMBER;
        bool taken = take_number(rules);
        node->value = (struct points){rules->input + start, rules->at - start};
        return taken;
    }
}

/* A value inside of `level` containers, with the blanks around it; NULL where there is none. */
static struct node *take_value(struct order_rules *rules, unsigned level)
{
    struct node *node = &rules->nodes[rules->node_count++];
    *node = (struct node){.kind = NODE_NULL};
    skip_blanks(rules);
    if (!take_kind(rules, node, level))
        return NULL;
    skip_blanks(rules);
    return node;
}

static const struct node *read_text(struct order_rules *rules, const void *message, size_t length)
{
    prepare(rules, length);
    if (!decode_utf8(rules, message, length))
        return NULL;
    const struct node *root = take_value(rules, 0);
    return root && rules->at == rules->input_count ? root : NULL;
}

bool order_rules_is_json(struct order_rules *rules, const void *message, size_t length)
{
    return read_text(rules, message, length) != NULL;
}

/* --- numbers --- */

/* A number's digits on a grid, by the power of ten of each; false where a digit other than 0 falls beside it. */
static bool place_digits(const char *digits, size_t count, int64_t first_power, unsigned scale, int *grid)
{
    for (size_t i = 0; i < count; i++) {
        int64_t power = first_power - (int64_t)i;
        if (digits[i] == '0')
            continue;
        if (power >= PLACES_BEFORE_POINT || power < -(int64_t)scale)
            return false;
        grid[power + (int64_t)scale] = digits[i] - '0';
    }
    return true;
}

static int64_t exponent_of(const char *text)
{
    bool negative = *text == '-';
    text += *text == '-' || *text == '+';
    int64_t exponent = 0;
    for (; *text >= '0' && *text <= '9' && exponent < EXPONENT_FAR; text++)
        exponent = exponent * 10 + (*text - '0');
    return negative ? -exponent : exponent;
}

/* Whether the text is a number of JSON: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool is_number(const char *text, size_t length)
{
    uint32_t *input = calloc(length + 1, sizeof *input);
    if (!input)
        abort();
    for (size_t i = 0; i < length; i++)
        input[i] = (unsigned char)text[i];
    input[length] = UINT32_MAX;
    struct order_rules reader = {.input = input};
    bool taken = take_number(&reader) && reader.at == length;
    free(input);
    return taken;
}

/* The value of what is known to be a number of JSON, with a NUL behind. */
static bool decimal_of_number(const char *number, unsigned scale, int64_t *ret_minor)
{
    int grid[PLACES_BEFORE_POINT + 18] = {0};
    bool negative = *number == '-';
    const char *whole = number + negative;
    size_t whole_count = strspn(whole, "0123456789");
    const char *behind = whole + whole_count, *fraction = *behind == '.' ? behind + 1 : behind;
    size_t fraction_count = *behind == '.' ? strspn(fraction, "0123456789") : 0;
    const char *mark = fraction + fraction_count;
    int64_t exponent = *mark ? exponent_of(mark + 1) : 0;
    if (!place_digits(whole, whole_count, (int64_t)whole_count - 1 + exponent, scale, grid) ||
        !place_digits(fraction, fraction_count, exponent - 1, scale, grid))
        return false;
    int64_t minor = 0;
    for (int power = PLACES_BEFORE_POINT - 1; power >= -(int)scale; power--)
        minor = minor * 10 + grid[power + (int)scale];
    *ret_minor = negative ? -minor : minor;
    return true;
}

/* As above: digits are compared as text with the last number that 64 bits hold. */
static bool integer_of_number(const char *number, int64_t *ret_integer)
{
    const char *digits = number + (*number == '-'),
               *last = *number == '-' ? "9223372036854775808" : "9223372036854775807";
    size_t count = strspn(digits, "0123456789");
    if (digits[count] != '\0' || count > 19 || (count == 19 && strcmp(digits, last) > 0))
        return false;
    *ret_integer = strtoll(number, NULL, 10);
    return true;
}

/* A copy with a NUL behind; the caller frees it. */
static char *copy_of(const char *text, size_t length)
{
    char *copy = calloc(length + 1, 1);
    if (!copy)
        abort();
    if (length)
        memcpy(copy, text, length);
    return copy;
}

bool rules_decimal(const char *text, size_t length, unsigned scale, int64_t *ret_minor)
{
    char *copy = copy_of(text, length);
    bool good = is_number(text, length) && decimal_of_number(copy, scale, ret_minor);
    free(copy);
    return good;
}

bool rules_integer(const char *text, size_t length, int64_t *ret_integer)
{
    char *copy = copy_of(text, length);
    bool good = is_number(text, length) && integer_of_number(copy, ret_integer);
    free(copy);
    return good;
}

/* --- time --- */

/* Whether the text begins with the shape, in which "0" is any digit, "T" is T, t or a blank, "+" either sign. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape; text++, shape++) {
        bool fits = *shape == '0'   ? *text >= '0' && *text <= '9'
                    : *shape == 'T' ? *text == 'T' || *text == 't' || *text == ' '
                    : *shape == '+' ? *text == '+' || *text == '-'
                                    : *text == *shape;
        if (!fits)
            return false;
    }
    return true;
}

static int two(const char *text)
{
    return (text[0] - '0') * 10 + (text[1] - '0');
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970, counted one year and one month after the other. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t days = day - 1;
    for (int y = 1970; y < year; y++)
        days += is_leap(y) ? 366 : 365;
    for (int m = 1; m < month; m++)
        days += days_in(year, m);
    return days;
}

/* "", "Z", "z" or "+hh:mm", up to the end; the seconds east of UTC. */
static bool offset_of(const char *text, int64_t *ret_s)
{
    *ret_s = 0;
    if (!*text || ((*text == 'Z' || *text == 'z') && !text[1]))
        return true;
    if (!has_shape(text, "+00:00") || text[6] || two(text + 1) > 23 || two(text + 4) > 59)
        return false;
    *ret_s = (two(text + 1) * 60 + two(text + 4)) * (*text == '-' ? -60 : 60);
    return true;
}

static bool time_of(const char *text, int64_t *ret_us)
{
    if (!has_shape(text, "0000-00-00T00:00:00"))
        return false;
    int year = two(text) * 100 + two(text + 2), month = two(text + 5), day = two(text + 8);
    int hour = two(text + 11), minute = two(text + 14), second = two(text + 17);
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 59)
        return false;
    const char *rest = text + 19;
    int64_t us = 0, offset_s;
    if (*rest == '.') {
        size_t count = strspn(++rest, "0123456789");
        if (count < 1 || count > 9)
            return false;
        for (size_t i = 0; i < 6; i++)
            us = us * 10 + (i < count ? rest[i] - '0' : 0);
        rest += count;
    }
    if (!offset_of(rest, &offset_s) || year < 1999 || year > 2100)
        return false;
    int64_t at_s = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset_s;
    if (at_s < days_since_1970(2000, 1, 1) * 86400 || at_s >= days_since_1970(2100, 1, 1) * 86400)
        return false;
    *ret_us = at_s * 1000000 + us;
    return true;
}

bool rules_time(const char *text, size_t length, int64_t *ret_us)
{
    char *copy = copy_of(text, length);
    bool good = strlen(copy) == length && time_of(copy, ret_us);
    free(copy);
    return good;
}

static bool time_of_number(int64_t number, enum rules_unit unit, int64_t *ret_us)
{
    int64_t per_second = unit == RULES_SECONDS ? 1 : unit == RULES_MILLISECONDS ? 1000 : 1000000;
    if (number < days_since_1970(2000, 1, 1) * 86400 * per_second ||
        number >= days_since_1970(2100, 1, 1) * 86400 * per_second)
        return false;
    *ret_us = number * (1000000 / per_second);
    return true;
}

/* --- an order --- */

static bool key_is(const struct points *key, const char *name)
{
    size_t length = strlen(name), at = 0;
    for (size_t i = 0; i < key->count; i++)
        if (at == length || decode_point((const unsigned char *)name, length, &at) != key->data[i])
            return false;
    return at == length;
}

static const struct node *member(const struct node *object, const char *name)
{
    for (const struct node *node = object->first; node; node = node->next)
        if (key_is(&node->key, name))
            return node->kind == NODE_NULL ? NULL : node;
    return NULL;
}

/* A string's or a number's characters as UTF-8 with a NUL behind; false where it has a NUL or half a surrogate pair. */
static bool text_of_points(struct order_rules *rules, struct points points, struct rules_value *ret_value)
{
    char *start = rules->text + rules->text_length;
    for (size_t i = 0; i < points.count; i++) {
        if (points.data[i] == 0 || (points.data[i] >= 0xd800 && points.data[i] <= 0xdfff))
            return false;
        encode_point(rules, points.data[i]);
    }
    *ret_value = (struct rules_value){
        .present = true, .text = start, .length = (size_t)(rules->text + rules->text_length - start)};
    encode_point(rules, 0);
    return true;
}

static bool judge_field(struct order_rules *rules, const struct rules_field *field, bool is_key,
                        const struct node *node, struct rules_value *ret_value)
{
    struct rules_value value = {.present = false};
    if (!node) {
        *ret_value = value;
        return !is_key && field->kind != RULES_DECIMAL;
    }
    if (node->kind != (field->kind == RULES_TEXT ? NODE_STRING : NODE_NUMBER) ||
        !text_of_points(rules, node->value, &value))
        return false;
    if (field->kind == RULES_INTEGER && !integer_of_number(value.text, &value.number))
        return false;
    if (field->kind == RULES_DECIMAL && !decimal_of_number(value.text, field->scale, &value.number))
        return false;
    *ret_value = value;
    return !is_key || (value.length >= 1 && value.length <= 256);
}

static bool judge_time(struct order_rules *rules, const struct rules_schema *schema, const struct node *node,
                       int64_t *ret_us)
{
    struct rules_value value;
    if (!node || node->kind != (schema->unit == RULES_RFC3339 ? NODE_STRING : NODE_NUMBER) ||
        !text_of_points(rules, node->value, &value))
        return false;
    if (schema->unit == RULES_RFC3339)
        return time_of(value.text, ret_us);
    int64_t number;
    return integer_of_number(value.text, &number) && time_of_number(number, schema->unit, ret_us);
}

bool order_rules_judge(struct order_rules *rules, const struct rules_schema *schema, const void *message, size_t length,
                       int64_t record_time_us, struct rules_order *ret_order)
{
    const struct node *root = length > 0 && length <= MESSAGE_MAX ? read_text(rules, message, length) : NULL;
    if (!root || root->kind != NODE_OBJECT ||
        !judge_time(rules, schema, member(root, schema->event_time), &ret_order->event_time_us))
        return false;
    if (record_time_us >= 0 && ret_order->event_time_us > record_time_us + schema->max_future_us)
        return false;
    for (size_t i = 0; schema->fields[i].name; i++)
        if (!judge_field(rules, &schema->fields[i], i == schema->key, member(root, schema->fields[i].name),
                         &ret_order->values[i]))
            return false;
    return true;
}
