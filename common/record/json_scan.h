/* SPDX-License-Identifier: Apache-2.0
 * Where the tokens of a JSON text begin: simdjson's first stage behind a C interface.
 *
 * The scan finds every bracket, comma and colon outside strings, and the first byte of every string and of every other
 * run of bytes that isn't blank. It checks that the text is UTF-8 where that matters, that strings end, and that no
 * control character stands in a string. It doesn't check grammar: whoever walks the tokens does. simdjson picks the
 * instruction set when the program runs, so the build stays at the baseline of the architecture.
 *
 * What a walk may rely on: between the quote that ends a string and the next token stand only blanks, and a token that
 * is neither string nor punctuation reaches to the next token, with blanks (or garbage, which the walk must reject)
 * at its end. */
#ifndef TIDEMARK_RECORD_JSON_SCAN_H
#define TIDEMARK_RECORD_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JSON_PADDING 64 /* zero bytes that must stand behind a scanned text */

enum json_scan_result { JSON_SCANNED, JSON_NOT_UTF8, JSON_NOT_JSON, JSON_NO_MEMORY };

struct json_scanner;

/* For one thread at a time; NULL where memory is short. */
struct json_scanner *json_scanner_new(void);
void json_scanner_destroy(struct json_scanner *scanner);

/* Scans a text of 1 byte to 1 GiB. On JSON_SCANNED there is at least one position, and the two entries behind the last
 * are the text's length, where the padding's zero byte ends any walk. The positions are the scanner's until the next
 * scan. Memory grows with the longest text seen and is kept. */
enum json_scan_result json_scan(struct json_scanner *scanner, struct text text, const uint32_t **ret_positions,
                                size_t *ret_count);

#ifdef __cplusplus
}
#endif

#endif
