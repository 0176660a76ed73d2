/* SPDX-License-Identifier: Apache-2.0
 * GET / and /openapi.json: files of this folder that are built into the program. */
#include "routes.h"

/* Found by the compiler's include path; each ends with a NUL. */
__asm__(".pushsection .rodata\n"
        ".global tidemark_dashboard_html\n"
        "tidemark_dashboard_html:\n"
        ".incbin \"dashboard.html\"\n"
        ".byte 0\n"
        ".global tidemark_openapi_json\n"
        "tidemark_openapi_json:\n"
        ".incbin \"openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char tidemark_dashboard_html[], tidemark_openapi_json[];

void route_dashboard(const struct request *request, struct reply *reply)
{
    (void)request;
    reply_constant(reply, "text/html; charset=utf-8", tidemark_dashboard_html);
    buffer_append_string(reply_header(reply, "Content-Security-Policy"),
                         "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                         "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                         "frame-ancestors 'none'");
}

void route_openapi(const struct request *request, struct reply *reply)
{
    (void)request;
    reply_constant(reply, "application/json", tidemark_openapi_json);
}
