/* SPDX-License-Identifier: Apache-2.0 */
#include "find_view.h"

#include <string.h>

#include "base/spelling.h"

const struct view *find_view(const struct request *request, const char *name, struct snapshot **ret_snapshot,
                             struct problem *problem)
{
    const char *names[256];
    size_t count = 0;
    if (!visitor_may_see(request->visitor, name)) { /* whether there is one of that name or not */
        problem_set(problem, 403, "the token %s isn't for a view %.*s; /v1/views lists those it is for",
                    request->visitor->token->name, shown_length(name), name);
        return NULL;
    }
    for (size_t i = 0; i < request->serving->source_count; i++) {
        const struct source *source = &request->serving->sources[i];
        for (size_t view = 0; view < source_shown_count(source); view++) {
            if (strcmp(source->views[view].name, name) == 0) {
                *ret_snapshot = request->serving->snapshots[i];
                return &source->views[view];
            }
            if (count < sizeof names / sizeof names[0])
                names[count++] = source->views[view].name;
        }
    }
    const char *meant = nearest_word(name, names, count);
    problem_set(problem, 404, "there is no view %.*s%s%s%s", shown_length(name), name,
                meant ? "; did you mean " : "; /v1/views lists them", meant ? meant : "", meant ? "?" : "");
    return NULL;
}
