/* SPDX-License-Identifier: Apache-2.0
 * GET / and /dashboard/{file}: the dashboard, which is built into the program. */
#include <string.h>

#include "base/embedded.h"
#include "routes.h"

EMBEDDED(page_html, "dashboard/index.html");
EMBEDDED(style_css, "dashboard/style.css");
EMBEDDED(icon_svg, "dashboard/icon.svg");
EMBEDDED(api_js, "dashboard/api.js");
EMBEDDED(bars_js, "dashboard/bars.js");
EMBEDDED(calendar_js, "dashboard/calendar.js");
EMBEDDED(choices_js, "dashboard/choices.js");
EMBEDDED(copy_js, "dashboard/copy.js");
EMBEDDED(elements_js, "dashboard/elements.js");
EMBEDDED(figures_js, "dashboard/figures.js");
EMBEDDED(glance_js, "dashboard/glance.js");
EMBEDDED(main_js, "dashboard/main.js");
EMBEDDED(panels_js, "dashboard/panels.js");
EMBEDDED(views_js, "dashboard/views.js");
EMBEDDED(chart_js, "chart.js/chart.min.js");

#define SCRIPT "text/javascript; charset=utf-8"

static const struct page {
    const char *name, *type, *text;
} pages[] = {
    {"style.css", "text/css; charset=utf-8", style_css},
    {"icon.svg", "image/svg+xml", icon_svg},
    {"api.js", SCRIPT, api_js},
    {"bars.js", SCRIPT, bars_js},
    {"calendar.js", SCRIPT, calendar_js},
    {"chart.js", SCRIPT, chart_js},
    {"choices.js", SCRIPT, choices_js},
    {"copy.js", SCRIPT, copy_js},
    {"elements.js", SCRIPT, elements_js},
    {"figures.js", SCRIPT, figures_js},
    {"glance.js", SCRIPT, glance_js},
    {"main.js", SCRIPT, main_js},
    {"panels.js", SCRIPT, panels_js},
    {"views.js", SCRIPT, views_js},
};

/* Only what is built in, and no other host. */
static void restrict_to_ours(struct reply *reply)
{
    buffer_append_string(reply_header(reply, "Content-Security-Policy"),
                         "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
                         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    buffer_append_string(reply_header(reply, "Referrer-Policy"), "no-referrer");
}

void route_dashboard(const struct request *request, struct reply *reply)
{
    (void)request;
    reply_constant(reply, "text/html; charset=utf-8", page_html);
    restrict_to_ours(reply);
}

void route_dashboard_file(const struct request *request, struct reply *reply)
{
    const char *name = request->target->segments[1];
    struct problem problem;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(pages[i].name, name) != 0)
            continue;
        reply_constant(reply, pages[i].type, pages[i].text);
        restrict_to_ours(reply);
        return;
    }
    problem_set(&problem, 404, "the dashboard has no file %.*s", shown_length(name), name);
    reply_problem(reply, &problem);
}
