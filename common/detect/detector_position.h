/* SPDX-License-Identifier: Apache-2.0
 * Where a detector stands in a partition, as it is kept with the position of its consumer group. */
#ifndef TIDEMARK_DETECT_DETECTOR_POSITION_H
#define TIDEMARK_DETECT_DETECTOR_POSITION_H

#include "detect/timeline.h"

struct detector_position {
    int64_t offset; /* the first that isn't judged; -1: there is no position */
    struct floor floor;
    int64_t record_time_us;             /* of the last message before the position; -1 where it isn't known */
    char fingerprint[FINGERPRINT_SIZE]; /* of the rules that judged; "" where it isn't known */
    int64_t gap; /* offsets below the position that the log lost before they were judged, since the first start */
};

#define DETECTOR_METADATA_SIZE 160

/* Everything but the offset, as text: "1 floor=17 clock=1764000000000000 time=1764000001000000 rules=0123456789abcdef
 * gap=0", times in µs, "-" where there is none. */
void detector_position_format(const struct detector_position *position, char ret_metadata[DETECTOR_METADATA_SIZE]);
/* Sets all but the offset. False, with nothing set, where the text is of another format. */
bool detector_position_parse(struct text metadata, struct detector_position *position);

#endif
