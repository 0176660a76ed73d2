/* SPDX-License-Identifier: Apache-2.0
 * The event stream of alerts: those that are held, and then each that comes. Each stream makes its own events: alerts
 * are few. */
#ifndef TIDEMARK_SERVING_ALERT_STREAM_H
#define TIDEMARK_SERVING_ALERT_STREAM_H

#include "stream_hub.h"

struct alert_stream_request {
    struct alert_feed *feed; /* NULL: there are no detectors, and no alert ever comes */
    const struct detector *detectors;
    size_t detector_count;
    const char *target;        /* as it came */
    const char *last_event_id; /* the header of that name; NULL: not given */
    struct visitor *visitor;   /* moved from where the stream is opened */
};

/* Opens a stream and makes its first event. False with the problem: those of alert_query_parse, 503 where the topics
 * can't be read, 400 where there are more alerts than a stream may begin with. */
bool alert_stream_open(struct stream_hub *hub, const struct alert_stream_request *request,
                       struct stream_source *ret_source, struct problem *problem) MUST_CHECK;

#endif
