/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/day_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/random.h"

#define BESIDE ".tidemark"
#define OLD ".old"
#define KEPT_S 60
#define OPEN_FILES 16
#define TRIES 100

static bool fail(const char *what, const char *path, struct error *error)
{
    enum error_code code = errno == EACCES || errno == EPERM ? ERROR_PERMISSION : ERROR_UNAVAILABLE;
    return error_set(error, code, "%s %s: %s", what, path, strerror(errno));
}

/* A new string on the heap, or NULL. */
static char *joined(const char *first, const char *second, const char *third)
{
    char *string;
    return asprintf(&string, "%s%s%s", first, second, third) < 0 ? NULL : string;
}

/* --- Trees ------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

/* What can't be removed stays; the next sweep tries it again. */
static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
}

static int sync_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)at;
    if (type != FTW_F && type != FTW_DP)
        return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int result = file < 0 ? -1 : fsync(file);
    int reason = errno;
    if (file >= 0)
        close(file);
    errno = reason;
    return result;
}

static bool sync_tree(const char *path, struct error *error)
{
    return nftw(path, sync_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS) == 0 || fail("can't write", path, error);
}

static bool sync_folder(const char *path, struct error *error)
{
    return sync_one(path, NULL, FTW_DP, NULL) == 0 || fail("can't write", path, error);
}

/* With those above it. */
static bool make_folders(const char *path, struct error *error)
{
    char *copy = strdup(path);
    if (!copy)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = true;
    for (char *slash = copy; done && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        done = mkdir(copy, 0777) == 0 || errno == EEXIST || fail("can't make the folder", copy, error);
        *slash = '/';
    }
    free(copy);
    return done && (mkdir(path, 0777) == 0 || errno == EEXIST || fail("can't make the folder", path, error));
}

/* --- What lies beside: NAME.RUN of a run, NAME.RUN.old of one that has replaced -------------------------------------
 */

struct left_folder {
    struct text name; /* of the folder that it is of */
    bool is_old;
};

/* 20250316T020000Z-0123abcd: nothing else is taken for a run's, and removed. */
static bool is_run(struct text text)
{
    static const char form[] = "00000000T000000Z-xxxxxxxx";
    if (text.length != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool is_digit = c >= '0' && c <= '9';
        bool fits = form[i] == '0' ? is_digit : form[i] == 'x' ? is_digit || (c >= 'a' && c <= 'f') : c == form[i];
        if (!fits)
            return false;
    }
    return true;
}

static bool left_folder_parse(const char *file, struct left_folder *ret_entry)
{
    size_t length = strlen(file), old = strlen(OLD);
    bool is_old = length > old && strcmp(file + length - old, OLD) == 0;
    length -= is_old ? old : 0;
    const char *dot = memrchr(file, '.', length);
    if (!dot || dot == file || !is_run((struct text){dot + 1, (size_t)(file + length - dot) - 1}))
        return false;
    *ret_entry = (struct left_folder){{file, (size_t)(dot - file)}, is_old};
    return true;
}

static bool is_kept(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_mtime > time(NULL) - KEPT_S && status.st_mtime <= time(NULL);
}

/* Whether the run whose folder this is lives. */
static bool is_at_work(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool held = folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (folder >= 0)
        close(folder);
    return held;
}

/* Removes what nobody needs. False where a run that lives makes the folder of this name; NULL: nobody asks. */
static bool sweep(const char *beside, const char *name)
{
    DIR *folder = opendir(beside);
    bool is_free = true;
    for (struct dirent *file; folder && (file = readdir(folder));) {
        struct left_folder entry;
        if (!left_folder_parse(file->d_name, &entry))
            continue;
        char *path = joined(beside, "/", file->d_name);
        if (!path)
            continue;
        bool stays = entry.is_old ? is_kept(path) : is_at_work(path);
        if (!stays)
            remove_tree(path);
        else if (!entry.is_old && name && text_equal(entry.name, text_of(name)))
            is_free = false;
        free(path);
    }
    if (folder)
        closedir(folder);
    return is_free;
}

/* Locks .tidemark, which is made where it isn't there; a process at a time sweeps and begins. -1: *error says why. */
static int lock_beside(const char *beside, struct error *error)
{
    for (int i = 0; i < TRIES; i++) {
        struct stat status;
        if (!make_folders(beside, error))
            return -1;
        int folder = open(beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0 && flock(folder, LOCK_EX) == 0 && fstat(folder, &status) == 0 && status.st_nlink > 0)
            return folder;
        if (folder >= 0)
            close(folder); /* another process has removed it since */
    }
    (void)fail("can't lock", beside, error);
    return -1;
}

/* --- A run ------------------------------------------------------------------------------------------------------- */

static bool name_run(char ret_run[RUN_ID_SIZE])
{
    uint32_t chance;
    struct tm utc;
    time_t now = (time_t)(clock_wall_us() / US_PER_SECOND);
    if (!gmtime_r(&now, &utc) || !random_bytes(&chance, sizeof chance))
        return false;
    char moment[20];
    (void)strftime(moment, sizeof moment, "%Y%m%dT%H%M%SZ", &utc);
    (void)snprintf(ret_run, RUN_ID_SIZE, "%s-%08" PRIx32, moment, chance);
    return true;
}

/* "a/b" is b in a; "b" is in ".". */
static bool name_places(struct day_folder *folder, const char *target, const char **ret_name)
{
    const char *slash = strrchr(target, '/');
    folder->target = strdup(target);
    if (asprintf(&folder->beside, "%.*s/" BESIDE, slash ? (int)(slash - target) : 1, slash ? target : ".") < 0)
        folder->beside = NULL;
    *ret_name = slash ? slash + 1 : target;
    if (!folder->target || !folder->beside ||
        asprintf(&folder->work, "%s/%s.%s", folder->beside, *ret_name, folder->run) < 0) {
        folder->work = NULL;
        return false;
    }
    folder->made = joined(folder->work, "/day", "");
    folder->spill = joined(folder->work, "/spill", "");
    return folder->made && folder->spill;
}

static bool make_work(struct day_folder *folder, struct error *error)
{
    if (mkdir(folder->work, 0777) != 0)
        return fail("can't make the folder", folder->work, error);
    folder->lock = open(folder->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->lock < 0 || flock(folder->lock, LOCK_EX | LOCK_NB) != 0)
        return fail("can't lock", folder->work, error);
    return mkdir(folder->made, 0777) == 0 || fail("can't make the folder", folder->made, error);
}

static bool check_target(const char *target, struct error *error)
{
    struct stat status;
    return stat(target, &status) != 0 || S_ISDIR(status.st_mode) ||
           error_set(error, ERROR_DATA, "%s is there, and isn't a folder", target);
}

/* Under the lock of what lies beside. */
static bool begin_alone(struct day_folder *folder, const char *name, struct error *error)
{
    if (!sweep(folder->beside, name))
        return error_set(error, ERROR_TRY_AGAIN, "another run makes %s", folder->target);
    return make_work(folder, error);
}

bool day_folder_begin(const char *target, struct day_folder *ret_folder, struct error *error)
{
    struct day_folder folder = {.lock = -1};
    const char *name = target;
    if (!check_target(target, error))
        return false;
    if (!name_run(folder.run) || !name_places(&folder, target, &name)) {
        day_folder_clean_up(&folder);
        return error_set(error, ERROR_INTERNAL, "out of memory or of chance");
    }
    int beside = lock_beside(folder.beside, error);
    bool done = beside >= 0 && begin_alone(&folder, name, error);
    if (beside >= 0)
        close(beside);
    if (!done) {
        day_folder_clean_up(&folder);
        return false;
    }
    *ret_folder = folder;
    return true;
}

/* One step for whoever looks. */
static bool exchange(struct day_folder *folder, bool *ret_replaced, struct error *error)
{
    *ret_replaced = renameat2(AT_FDCWD, folder->made, AT_FDCWD, folder->target, RENAME_EXCHANGE) == 0;
    if (*ret_replaced || (errno == ENOENT && rename(folder->made, folder->target) == 0))
        return true;
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
        return error_set(error, ERROR_CONFIGURATION,
                         "the file system of %s can't exchange two folders in one step (renameat2 with "
                         "RENAME_EXCHANGE: %s): write to one that can, as ext4, XFS, Btrfs and tmpfs",
                         folder->target, strerror(errno));
    return fail("can't put in place", folder->target, error);
}

/* What was replaced stays for those who have listed it. */
static void retire(const struct day_folder *folder)
{
    char *old = joined(folder->work, OLD, "");
    if (old && rename(folder->work, old) == 0)
        (void)utimensat(AT_FDCWD, old, NULL, 0); /* from now on it is old */
    free(old);
}

static void remove_beside(const char *beside)
{
    struct error error;
    int folder = lock_beside(beside, &error);
    if (folder < 0)
        return;
    (void)rmdir(beside); /* where it is empty */
    close(folder);
}

static bool place(struct day_folder *folder, const char *parent, struct error *error)
{
    bool replaced;
    remove_tree(folder->spill);
    if (!sync_tree(folder->made, error))
        return false;
    crash_point("before_exchange");
    if (!exchange(folder, &replaced, error))
        return false;
    crash_point("after_exchange");
    if (!sync_folder(*parent ? parent : "/", error))
        return false;
    if (replaced) {
        retire(folder);
        crash_point("after_retire");
    }
    return true;
}

bool day_folder_place(struct day_folder *folder, struct error *error)
{
    char *parent = strndup(folder->beside, strlen(folder->beside) - strlen("/" BESIDE));
    if (!parent)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = place(folder, parent, error);
    free(parent);
    return done;
}

/* Whoever wrote there, be it DuckDB, says the path and what the system said. */
bool day_folder_explain(const char *target, struct error *error)
{
    const char *slash = strrchr(target, '/');
    struct text parent = slash ? (struct text){target, (size_t)(slash - target)} : text_of(".");
    bool is_full = strstr(error->message, strerror(ENOSPC)) || strstr(error->message, strerror(EDQUOT));
    if (!is_full || !memmem(error->message, strlen(error->message), parent.data, parent.length))
        return false;
    return error_context(error, "the disk of %s is full: free some of it and run the job again", target);
}

void day_folder_clean_up(struct day_folder *folder)
{
    if (folder->work && folder->lock >= 0)
        remove_tree(folder->work);
    if (folder->lock >= 0)
        close(folder->lock);
    if (folder->lock >= 0 && folder->beside)
        remove_beside(folder->beside);
    free(folder->target);
    free(folder->beside);
    free(folder->work);
    free(folder->made);
    free(folder->spill);
    *folder = (struct day_folder){.lock = -1};
}

/* --- A minute later ---------------------------------------------------------------------------------------------- */

void day_folder_sweep(const char *target)
{
    struct day_folder folder = {.lock = -1};
    struct error error;
    const char *name;
    if (name_places(&folder, target, &name) && access(folder.beside, F_OK) == 0) {
        int beside = lock_beside(folder.beside, &error);
        if (beside >= 0) {
            (void)sweep(folder.beside, NULL);
            (void)rmdir(folder.beside);
            close(beside);
        }
    }
    day_folder_clean_up(&folder);
}

/* Nothing of the caller's stays open in it, so that nobody waits for its output. */
_Noreturn static void sweep_in_a_minute(const char *const targets[], size_t count)
{
    (void)setsid();
    if (fork() != 0)
        _exit(0);
    (void)close_range(0, ~0U, 0);
    (void)open("/dev/null", O_RDWR);
    struct timespec minute = {.tv_sec = KEPT_S + 1};
    (void)nanosleep(&minute, NULL);
    for (size_t i = 0; i < count; i++)
        day_folder_sweep(targets[i]);
    _exit(0);
}

void day_folder_sweep_later(const char *const targets[], size_t count)
{
    pid_t child = count > 0 ? fork() : -1;
    if (child == 0)
        sweep_in_a_minute(targets, count);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
}
