/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool lake_file_write(const char *folder, const char *name, struct text content, struct error *error)
{
    struct buffer path = {0};
    buffer_appendf(&path, "%s/%s", folder, name);
    FILE *file = path.failed ? NULL : fopen(buffer_string(&path), "we");
    bool done = file && fwrite(content.data, 1, content.length, file) == content.length;
    if (file)
        done = fclose(file) == 0 && done;
    if (path.failed)
        error_set(error, ERROR_INTERNAL, "out of memory");
    else if (!done)
        error_set(error, ERROR_UNAVAILABLE, "can't write %s: %s", buffer_string(&path), strerror(errno));
    buffer_clean_up(&path);
    return done;
}

static void append_inputs(const struct manifest *manifest, struct buffer *out)
{
    const char *comma = "";
    for (size_t i = 0; i < manifest->input_count; i++)
        for (size_t j = 0; j < manifest->inputs[i].count; j++, comma = ",") {
            const struct lake_file *file = &manifest->inputs[i].files[j];
            buffer_appendf(out, "%s\n    {\"file\": ", comma);
            buffer_append_json(out, text_of(file->path));
            buffer_appendf(out, ", \"bytes\": %" PRId64 "}", file->bytes);
        }
}

bool manifest_write(const struct manifest *manifest, const char *folder, struct error *error)
{
    struct buffer out = {0};
    buffer_append_string(&out, "{\n  \"job\": ");
    buffer_append_json(&out, text_of(manifest->job));
    buffer_appendf(&out,
                   ",\n  \"run\": \"%s\",\n  \"day\": \"%s\",\n  \"definition\": \"%s\",\n  \"engine\": \"%s\",\n"
                   "  \"epoch\": %s,\n  \"cut\": %s",
                   manifest->run, manifest->day, manifest->definition, manifest->engine, manifest->epoch,
                   manifest->cut);
    for (const struct manifest_count *count = manifest->counts; count->name; count++)
        buffer_appendf(&out, ",\n  \"%s\": %" PRId64, count->name, count->count);
    buffer_append_string(&out, ",\n  \"inputs\": [");
    append_inputs(manifest, &out);
    buffer_append_string(&out, "\n  ]\n}\n");
    bool done = !out.failed ? lake_file_write(folder, LAKE_MANIFEST, buffer_text(&out), error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&out);
    return done;
}
