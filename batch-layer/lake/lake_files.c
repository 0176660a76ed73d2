/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/lake_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DATE "{date}"
#define DEPTH_MAX 16
#define MANIFEST_BYTES_MAX ((size_t)64 << 20)

const char *lake_path(const char *pattern, const char *date, struct arena *arena)
{
    struct buffer path = {0};
    for (const char *at; (at = strstr(pattern, DATE)); pattern = at + strlen(DATE)) {
        buffer_append(&path, pattern, (size_t)(at - pattern));
        buffer_append_string(&path, date);
    }
    buffer_append_string(&path, pattern);
    struct text text = buffer_text(&path);
    while (text.length > 1 && text.data[text.length - 1] == '/')
        text.length--;
    const char *copy = path.failed ? NULL : arena_copy(arena, text);
    buffer_clean_up(&path);
    return copy;
}

struct file_list {
    struct arena *arena;
    struct lake_file *files;
    size_t count, capacity;
};

static bool format_of(const char *name, enum lake_format *ret_format)
{
    static const struct {
        const char *ending;
        enum lake_format format;
    } rows[] = {{".parquet", LAKE_PARQUET}, {".ndjson", LAKE_NDJSON}, {".jsonl", LAKE_NDJSON}, {".csv", LAKE_CSV}};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t ending = strlen(rows[i].ending);
        if (length > ending && strcmp(name + length - ending, rows[i].ending) == 0) {
            *ret_format = rows[i].format;
            return true;
        }
    }
    return false;
}

static bool add(struct file_list *listing, const char *path, enum lake_format format, int64_t bytes,
                struct error *error)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
        struct lake_file *files = realloc(listing->files, capacity * sizeof *files);
        if (!files)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        listing->files = files;
        listing->capacity = capacity;
    }
    listing->files[listing->count++] = (struct lake_file){path, format, bytes};
    return true;
}

static bool cannot_read(const char *path, struct error *error)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return error_set(error, ERROR_DATA, "%s: %s", path,
                         errno == ENOENT ? "there is no such folder: put files there, or mend the path in the job"
                                         : "this isn't a folder");
    return error_set(error, errno == EACCES ? ERROR_PERMISSION : ERROR_UNAVAILABLE, "%s can't be read: %s", path,
                     strerror(errno));
}

/* What a link leads to is somewhere else, which may not be mounted; a file is taken away meanwhile as a whole. */
static bool check_absent(const char *path, struct error *error)
{
    struct stat status;
    return lstat(path, &status) != 0 ||
           error_set(error, ERROR_DATA, "%s: there is nothing where this link leads: bring it back, or remove the link",
                     path);
}

static bool list_folder(struct file_list *listing, const char *path, int depth, struct error *error);

static bool list_entry(struct file_list *listing, const char *path, const char *name, int depth, struct error *error)
{
    struct stat status;
    enum lake_format format;
    if (name[0] == '.' || name[0] == '_')
        return true;
    const char *whole = arena_printf(listing->arena, "%s/%s", path, name);
    if (!whole)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (stat(whole, &status) != 0)
        return errno == ENOENT ? check_absent(whole, error) : cannot_read(whole, error);
    if (S_ISDIR(status.st_mode))
        return list_folder(listing, whole, depth + 1, error);
    return !S_ISREG(status.st_mode) || !format_of(name, &format) ||
           add(listing, whole, format, (int64_t)status.st_size, error);
}

static bool list_folder(struct file_list *listing, const char *path, int depth, struct error *error)
{
    if (depth > DEPTH_MAX)
        return error_set(error, ERROR_DATA, "%s: more than %d folders one in the other", path, DEPTH_MAX);
    DIR *folder = opendir(path);
    if (!folder)
        return cannot_read(path, error);
    bool done = true;
    for (struct dirent *entry; done && (entry = readdir(folder));)
        done = list_entry(listing, path, entry->d_name, depth, error);
    closedir(folder);
    return done;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct lake_file *)a)->path, ((const struct lake_file *)b)->path);
}

/* NULL where there is none, or none that can be read whole. */
static char *manifest_of(const char *folder)
{
    struct buffer name = {0}, content = {0};
    buffer_appendf(&name, "%s/" LAKE_MANIFEST, folder);
    FILE *file = name.failed ? NULL : fopen(buffer_string(&name), "re");
    size_t taken = 1;
    while (file && taken > 0 && content.length < MANIFEST_BYTES_MAX && buffer_reserve(&content, 65536)) {
        taken = fread(content.data + content.length, 1, 65536, file);
        content.length += taken;
    }
    bool is_whole = file && !ferror(file) && taken == 0 && !content.failed;
    if (file)
        (void)fclose(file);
    char *copy = is_whole ? strndup(content.data, content.length) : NULL;
    buffer_clean_up(&name);
    buffer_clean_up(&content);
    return copy;
}

static bool keep(const struct file_list *listing, const char *path, const char *manifest,
                 struct lake_folder *ret_folder, struct error *error)
{
    struct lake_file *files = arena_allocate(listing->arena, listing->count * sizeof *files);
    const char *kept = arena_copy(listing->arena, text_of(manifest ? manifest : ""));
    if (!files || !kept)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (listing->files) {
        qsort(listing->files, listing->count, sizeof *listing->files, by_name);
        memcpy(files, listing->files, listing->count * sizeof *files);
    }
    *ret_folder = (struct lake_folder){path, files, listing->count, kept};
    return true;
}

static bool read_folder(const char *path, struct arena *arena, struct lake_folder *ret_folder, struct error *error)
{
    struct file_list listing = {.arena = arena};
    char *manifest = manifest_of(path); /* before the files: a change between them shows */
    bool done = list_folder(&listing, path, 0, error) && keep(&listing, path, manifest, ret_folder, error);
    free(manifest);
    free(listing.files);
    return done;
}

/* Nothing is there for the day, and the folder in front of the date is: no archive makes a folder for a day without
 * messages. */
static bool is_missing_day(const char *pattern, const char *path, struct arena *arena)
{
    struct stat status;
    const char *date = strstr(pattern, DATE);
    if (!date || stat(path, &status) == 0 || errno != ENOENT)
        return false;
    size_t length = (size_t)(date - pattern);
    while (length > 0 && pattern[length - 1] != '/')
        length--;
    const char *folder = length ? arena_copy(arena, (struct text){pattern, length}) : ".";
    return folder && stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
}

bool lake_day_read(const char *pattern, const char *date, bool may_be_missing, struct arena *arena,
                   struct lake_folder *ret_folder, struct error *error)
{
    const char *path = lake_path(pattern, date, arena);
    if (!path)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!may_be_missing || !is_missing_day(pattern, path, arena))
        return read_folder(path, arena, ret_folder, error);
    *ret_folder = (struct lake_folder){.path = path, .manifest = ""};
    return true;
}

bool lake_folder_check(const struct lake_folder *folder, bool allow_empty, struct error *error)
{
    for (size_t i = 0; i < folder->count; i++) {
        bool is_alike = (folder->files[i].format == LAKE_PARQUET) == (folder->files[0].format == LAKE_PARQUET);
        if (!is_alike)
            return error_set(error, ERROR_DATA, "%s: Parquet, and %s isn't: a folder has the one or the other",
                             folder->files[0].path, folder->files[i].path);
    }
    return folder->count > 0 || allow_empty ||
           error_set(error, ERROR_DATA, "%s has no files that end in .parquet, .ndjson, .jsonl or .csv", folder->path);
}

bool lake_table(const char *table, struct arena *arena, struct lake_folder *ret_folder, struct error *error)
{
    struct lake_file *file = arena_allocate(arena, sizeof *file);
    const char *path = arena_printf(arena, "postgres://%s", table);
    if (!file || !path)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *file = (struct lake_file){.path = path, .format = LAKE_TABLE};
    *ret_folder = (struct lake_folder){path, file, 1, ""};
    return true;
}

bool lake_folder_is_same(const struct lake_folder *folder)
{
    char *manifest = manifest_of(folder->path);
    bool same = strcmp(manifest ? manifest : "", folder->manifest) == 0;
    free(manifest);
    return same;
}
