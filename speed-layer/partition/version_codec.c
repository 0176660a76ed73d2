/* SPDX-License-Identifier: Apache-2.0 */
#include "partition/version_codec.h"

void version_codec_init(struct version_codec *codec, const struct source *source)
{
    *codec = (struct version_codec){.replaces = source->on_duplicate == ON_DUPLICATE_REPLACE};
    if (!codec->replaces)
        return;
    bool added[FIELDS_MAX] = {false};
    for (size_t i = 0; i < source->view_count; i++)
        view_mark_added(&source->views[i], added);
    for (size_t field = 0; field < source->schema.field_count; field++)
        if (added[field])
            codec->fields[codec->field_count++] =
                (struct kept_field){(uint8_t)field, source->schema.fields[field].type == FIELD_TEXT};
}

size_t version_bound(const struct version_codec *codec, const struct value values[])
{
    size_t bound = (2 + codec->field_count) * NUMBER_BYTES;
    for (size_t i = 0; i < codec->field_count; i++) {
        const struct value *value = &values[codec->fields[i].number];
        if (value->present && codec->fields[i].is_text)
            bound += value->text.length;
    }
    return bound;
}

static uint64_t nulls_of(const struct version_codec *codec, const struct value values[])
{
    uint64_t nulls = 0, bit = 1;
    for (size_t i = 0; i < codec->field_count; i++, bit <<= 1)
        if (!values[codec->fields[i].number].present)
            nulls |= bit;
    return nulls;
}

static char *put_value(char *at, const struct value *value, bool is_text)
{
    if (!is_text)
        return put_number(at, zigzag(value->number));
    at = put_number(at, value->text.length);
    memcpy(at, value->text.data, value->text.length);
    return at + value->text.length;
}

static const char *take_value(const char *at, bool is_text, struct value *ret_value)
{
    uint64_t number;
    at = take_number(at, &number);
    if (!is_text) {
        *ret_value = (struct value){.present = true, .number = unzigzag(number)};
        return at;
    }
    *ret_value = (struct value){.present = true, .text = {at, number}};
    return at + number;
}

char *version_write(const struct version_codec *codec, const struct value values[], uint64_t judged, char *at)
{
    if (!codec->replaces)
        return at;
    uint64_t nulls = nulls_of(codec, values);
    at = put_number(at, judged);
    at = put_number(at, nulls);
    for (size_t i = 0; i < codec->field_count; i++)
        if (!(nulls >> i & 1))
            at = put_value(at, &values[codec->fields[i].number], codec->fields[i].is_text);
    return at;
}

const char *version_read(const struct version_codec *codec, const char *at, struct value ret_values[],
                         uint64_t *ret_judged)
{
    uint64_t nulls;
    *ret_judged = 0;
    if (!codec->replaces)
        return at;
    at = take_number(at, ret_judged);
    at = take_number(at, &nulls);
    for (size_t i = 0; i < codec->field_count; i++) {
        struct value *value = &ret_values[codec->fields[i].number];
        if (nulls >> i & 1)
            *value = (struct value){.present = false};
        else
            at = take_value(at, codec->fields[i].is_text, value);
    }
    return at;
}
