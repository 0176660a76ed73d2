/* SPDX-License-Identifier: Apache-2.0
 * Folders that jobs read and write, and the columns of files in them. */
#include <strings.h>

#include "config/assembly_steps.h"

#define DATE "{date}"

/* True where the braces of the path are those of {date} alone. */
static bool knows_all_braces(const char *path)
{
    for (const char *at = strpbrk(path, "{}"); at; at = strpbrk(at, "{}")) {
        if (strncmp(at, DATE, strlen(DATE)) != 0)
            return false;
        at += strlen(DATE);
    }
    return true;
}

static bool has_scheme(const char *path)
{
    size_t letters = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return letters > 0 && strncmp(path + letters, "://", 3) == 0;
}

const char *job_path_read(struct assembly *assembly, const struct yaml_node *node, const char *key, bool needs_date)
{
    struct problems *problems = assembly->reader.problems;
    const char *path = reader_copy(&assembly->reader, node->text);
    if (!path)
        return NULL;
    if (!*path)
        problem_add(problems, node->location, "\"%s\" must not be empty", key);
    else if (has_scheme(path))
        problem_add(problems, node->location,
                    "\"%s\" has to be a folder of this machine: what lies elsewhere, as s3:// does, is mounted, and "
                    "its path given",
                    key);
    else if (!knows_all_braces(path))
        problem_add(problems, node->location, "in \"%s\" only {date} may stand in braces", key);
    else if (needs_date && !strstr(path, DATE))
        problem_add(problems, node->location, "\"%s\" has to have {date} in it: the job is of one day", key);
    else
        return path;
    return NULL;
}

/* The next name in the path, which is stepped over; empty at its end. */
static struct text take_name(const char **path)
{
    struct text name;
    do {
        *path += strspn(*path, "/");
        name = (struct text){*path, strcspn(*path, "/")};
        *path += name.length;
    } while (text_equal(name, text_of(".")));
    return name;
}

bool job_paths_meet(const char *a, const char *b)
{
    if ((*a == '/') != (*b == '/'))
        return false;
    for (;;) {
        struct text mine = take_name(&a), other = take_name(&b);
        if (mine.length == 0 || other.length == 0)
            return true;
        if (!text_equal(mine, other))
            return false;
    }
}

void job_folders_check(struct assembly *assembly, const struct yaml_node *map, const struct job jobs[])
{
    size_t number = 0;
    for (const struct yaml_node *entry = map->first; entry; entry = entry->next, number++)
        for (size_t i = 0; i < number; i++) {
            const char *mine = job_folder(&jobs[number]), *other = job_folder(&jobs[i]);
            if (mine && other && job_paths_meet(mine, other))
                problem_add(assembly->reader.problems, option_location(entry, "write"),
                            "the job \"%s\" writes to this folder, or to one in it or around it, and a folder is "
                            "replaced as a whole",
                            jobs[i].name);
        }
}

void job_columns_check(struct assembly *assembly, const struct yaml_node *node, const char *const columns[],
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(columns[i], columns[j]) == 0 && strcmp(columns[i], columns[j]) != 0)
                problem_add(assembly->reader.problems, node->location,
                            "\"%s\" and \"%s\" differ by upper and lower case only, which columns of files can't",
                            columns[j], columns[i]);
}
