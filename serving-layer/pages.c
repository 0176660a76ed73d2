/* SPDX-License-Identifier: Apache-2.0
 * GET /, /dashboard/{file} and /openapi.json: files that are built into the program. */
#include "routes.h"

#include <string.h>

/* Found by the compiler's include path; each ends with a NUL. */
#define FILE_TEXT(symbol, path)                                                                                        \
    __asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n.popsection\n");                       \
    extern const char symbol[] __asm__(#symbol)

FILE_TEXT(page_html, "dashboard/index.html");
FILE_TEXT(style_css, "dashboard/style.css");
FILE_TEXT(icon_svg, "dashboard/icon.svg");
FILE_TEXT(api_js, "dashboard/api.js");
FILE_TEXT(bars_js, "dashboard/bars.js");
FILE_TEXT(calendar_js, "dashboard/calendar.js");
FILE_TEXT(choices_js, "dashboard/choices.js");
FILE_TEXT(copy_js, "dashboard/copy.js");
FILE_TEXT(elements_js, "dashboard/elements.js");
FILE_TEXT(figures_js, "dashboard/figures.js");
FILE_TEXT(glance_js, "dashboard/glance.js");
FILE_TEXT(main_js, "dashboard/main.js");
FILE_TEXT(panels_js, "dashboard/panels.js");
FILE_TEXT(views_js, "dashboard/views.js");
FILE_TEXT(chart_js, "chart.js/chart.min.js");
FILE_TEXT(openapi_json, "openapi.json");

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

void route_openapi(const struct request *request, struct reply *reply)
{
    (void)request;
    reply_constant(reply, "application/json", openapi_json);
}
