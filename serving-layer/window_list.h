/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIDEMARK_SERVING_WINDOW_LIST_H
#define TIDEMARK_SERVING_WINDOW_LIST_H

#include "view/question.h"

/* JSON lists of what may be asked of a view as `window`: the windows one after the other, and the hops of which up to
 * HOPS_MAX are a hopping one. */
void window_list_append(const struct view *view, struct buffer *out);
void hop_list_append(const struct view *view, struct buffer *out);

#endif
