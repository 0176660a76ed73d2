/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/version_row.h"

#include "base/hash.h"

/* What a stored version begins with, before the bytes of its key. */
enum { HAS_PARTITION = 1, HAS_OFFSET = 2, HAS_VERSION = 4, COUNTS = 8, VERSION_IS_TEXT = 16, IS_OF_OTHER_DAY = 32 };

struct row_head {
    uint64_t position; /* in the log */
    uint64_t present;  /* bits of the fields that are used */
    uint32_t flags;
    uint32_t version_bytes; /* of a text */
};

/* Behind the head, and the key: what orders versions, where there is such, as numbers of 8 bytes or the bytes of a
 * text; and of each used field that is present a number of 8 bytes, or the length of a text in 4, and the text. */
struct row_order {
    int64_t partition, offset, version; /* 0 where there is none */
    struct text version_text;
    const char *rest; /* what stands behind */
};

static const struct row_head *head_of(const struct stored_row *version)
{
    return (const struct row_head *)(const void *)version->data;
}

static const char *key_of(const struct stored_row *version)
{
    return version->data + sizeof(struct row_head);
}

static const char *take_number(const char *at, bool has, int64_t *ret_number)
{
    *ret_number = 0;
    if (!has)
        return at;
    memcpy(ret_number, at, sizeof *ret_number);
    return at + sizeof *ret_number;
}

static struct row_order order_of(const struct stored_row *version)
{
    const struct row_head *head = head_of(version);
    struct row_order order;
    const char *at = key_of(version) + version->key_bytes;
    at = take_number(at, head->flags & HAS_PARTITION, &order.partition);
    at = take_number(at, head->flags & HAS_OFFSET, &order.offset);
    at = take_number(at, (head->flags & HAS_VERSION) && !(head->flags & VERSION_IS_TEXT), &order.version);
    order.version_text = (struct text){at, head->version_bytes};
    order.rest = at + head->version_bytes;
    return order;
}

static void mark(bool used[], size_t field)
{
    if (field != FIELD_NONE)
        used[field] = true;
}

void version_form_init(struct version_form *form, const struct summary *summary)
{
    const struct view *view = summary->view;
    bool used[FIELDS_MAX] = {false};
    *form = (struct version_form){
        .view = view, .keeps_last = summary->source->on_duplicate == ON_DUPLICATE_REPLACE, .version = FIELD_NONE};
    for (size_t i = 0; i < view->dimension_count; i++)
        mark(used, view->dimensions[i]);
    for (size_t i = 0; i < view->measure_count; i++)
        mark(used, view->measures[i].field);
    for (size_t i = 0; i < view->schema->field_count; i++)
        if (used[i])
            form->used[form->used_count++] = i;
    if (summary->version)
        form->version = schema_field(view->schema, text_of(summary->version));
    form->version_is_text = form->version != FIELD_NONE && view->schema->fields[form->version].type == FIELD_TEXT;
}

static bool is_text(const struct version_form *form, size_t field)
{
    return form->view->schema->fields[field].type == FIELD_TEXT;
}

/* --- Writing ----------------------------------------------------------------------------------------------------- */

static size_t used_bytes(const struct version_form *form, const struct record *record)
{
    size_t bytes = 0;
    for (size_t i = 0; i < form->used_count; i++) {
        const struct value *value = &record->values[form->used[i]];
        if (value->present)
            bytes += is_text(form, form->used[i]) ? sizeof(uint32_t) + value->text.length : sizeof(int64_t);
    }
    return bytes;
}

static char *put(char *at, const void *data, size_t length)
{
    memcpy(at, data, length);
    return at + length;
}

static char *put_text(char *at, struct text text)
{
    uint32_t length = (uint32_t)text.length;
    return put(put(at, &length, sizeof length), text.data, text.length);
}

/* Returns which are present. */
static uint64_t put_used(const struct version_form *form, const struct record *record, char *at)
{
    uint64_t present = 0;
    for (size_t i = 0; i < form->used_count; i++) {
        const struct value *value = &record->values[form->used[i]];
        if (!value->present)
            continue;
        at = is_text(form, form->used[i]) ? put_text(at, value->text) : put(at, &value->number, sizeof value->number);
        present |= UINT64_C(1) << i;
    }
    return present;
}

/* A number of what orders versions, onto the others. */
static void take_order(const struct record *record, size_t field, uint32_t flag, struct row_head *head,
                       int64_t numbers[], size_t *count)
{
    if (field == FIELD_NONE || !record->values[field].present)
        return;
    head->flags |= flag;
    numbers[(*count)++] = record->values[field].number;
}

bool version_row_add(const struct version_form *form, struct part_writer *writer, const struct row_decoder *decoder,
                     const struct record *record, struct version_facts facts, struct error *error)
{
    struct row_head head = {.position = facts.position};
    struct text key = record->values[decoder->source->key].text, version = {0};
    int64_t numbers[3];
    size_t count = 0;
    take_order(record, decoder->partition, HAS_PARTITION, &head, numbers, &count);
    take_order(record, decoder->offset, HAS_OFFSET, &head, numbers, &count);
    if (!form->version_is_text) {
        take_order(record, form->version, HAS_VERSION, &head, numbers, &count);
    } else if (record->values[form->version].present) {
        version = record->values[form->version].text;
        head.version_bytes = (uint32_t)version.length;
        head.flags |= HAS_VERSION | VERSION_IS_TEXT;
    }
    head.flags |= (facts.counts ? (uint32_t)COUNTS : 0) | (facts.is_of_other_day ? (uint32_t)IS_OF_OTHER_DAY : 0);
    size_t bytes = sizeof(struct stored_row) + sizeof head + key.length + count * sizeof *numbers + version.length +
                   (facts.counts ? used_bytes(form, record) : 0);
    struct stored_row *stored = part_writer_add(writer, hash_bytes(key.data, key.length), bytes, error);
    if (!stored)
        return false;
    stored->key_bytes = (uint32_t)key.length;
    char *at = put(stored->data + sizeof head, key.data, key.length);
    at = put(at, numbers, count * sizeof *numbers);
    at = version.length > 0 ? put(at, version.data, version.length) : at;
    if (facts.counts)
        head.present = put_used(form, record, at);
    memcpy(stored->data, &head, sizeof head);
    return true;
}

/* --- Reading ----------------------------------------------------------------------------------------------------- */

bool version_row_is_same_order(const struct stored_row *a, const struct stored_row *b)
{
    if (a->hash != b->hash || a->key_bytes != b->key_bytes || memcmp(key_of(a), key_of(b), a->key_bytes) != 0)
        return false;
    uint32_t differing = head_of(a)->flags ^ head_of(b)->flags;
    return !(differing & HAS_PARTITION) && order_of(a).partition == order_of(b).partition;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* What has none comes first. */
static int compare_versions(const struct stored_row *a, const struct stored_row *b)
{
    const struct row_head *one = head_of(a), *other = head_of(b);
    struct row_order left = order_of(a), right = order_of(b);
    int order = compare(one->flags & HAS_VERSION, other->flags & HAS_VERSION);
    order = order ? order : text_compare(left.version_text, right.version_text);
    order = order ? order : compare(left.version, right.version);
    order = order ? order : compare(one->flags & HAS_OFFSET, other->flags & HAS_OFFSET);
    order = order ? order : compare(left.offset, right.offset);
    return order ? order : compare((int64_t)one->position, (int64_t)other->position);
}

bool version_row_supersedes(const struct version_form *form, const struct stored_row *version,
                            const struct stored_row *held)
{
    int order = compare_versions(version, held);
    return form->keeps_last ? order > 0 : order < 0;
}

static const char *take_text(const char *at, struct text *ret_text)
{
    uint32_t length;
    memcpy(&length, at, sizeof length);
    *ret_text = (struct text){at + sizeof length, length};
    return at + sizeof length + length;
}

bool version_row_read(const struct version_form *form, const struct stored_row *version, struct value values[],
                      bool *ret_is_of_other_day)
{
    const struct row_head *head = head_of(version);
    if (!(head->flags & COUNTS))
        return false;
    const char *at = order_of(version).rest;
    for (size_t i = 0; i < form->used_count; i++) {
        struct value *value = &values[form->used[i]];
        value->present = head->present >> i & 1;
        if (value->present)
            at = is_text(form, form->used[i]) ? take_text(at, &value->text) : take_number(at, true, &value->number);
    }
    *ret_is_of_other_day = head->flags & IS_OF_OTHER_DAY;
    return true;
}
