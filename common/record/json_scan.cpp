/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_scan.h"

#include <memory>
#include <new>

#include <simdjson.h>

/* The first stage is reached through the parser implementation that simdjson chose for this processor. The on-demand
 * interface would choose when it is compiled, and its way to a token's text costs more than the token's position. */
struct json_scanner {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;
};

static const size_t first_capacity = 64 * 1024;

static bool grow(struct json_scanner *scanner, size_t length) noexcept
{
    size_t capacity = first_capacity;
    while (capacity < length) {
        capacity *= 2;
    }
    return scanner->stages->set_capacity(capacity) == simdjson::SUCCESS;
}

struct json_scanner *json_scanner_new(void)
{
    std::unique_ptr<json_scanner> scanner(new (std::nothrow) json_scanner);
    if (!scanner || simdjson::get_active_implementation()->create_dom_parser_implementation(
                        first_capacity, 1, scanner->stages) != simdjson::SUCCESS) {
        return nullptr;
    }
    return scanner.release();
}

void json_scanner_destroy(struct json_scanner *scanner)
{
    delete scanner;
}

enum json_scan_result json_scan(struct json_scanner *scanner, struct text text, const uint32_t **ret_positions,
                                size_t *ret_count)
{
    simdjson::internal::dom_parser_implementation &stages = *scanner->stages;
    if (text.length > stages.capacity() && !grow(scanner, text.length)) {
        return JSON_NO_MEMORY;
    }
    switch (stages.stage1(reinterpret_cast<const uint8_t *>(text.data), text.length, simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS:
        *ret_positions = stages.structural_indexes.get();
        *ret_count = stages.n_structural_indexes;
        return JSON_SCANNED;
    case simdjson::UTF8_ERROR:
        return JSON_NOT_UTF8;
    default:
        return JSON_NOT_JSON;
    }
}
