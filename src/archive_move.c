/* What was unpacked gets to where it belongs, and what was not is removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "archive_tree.h"

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct merge {
  bool overwrite, looks_only;
  struct text path; /* of the entry, from the top */
  struct trouble *trouble;
};

static bool in_the_way(struct merge *merge, const char *words) {
  return trouble_say(merge->trouble, "exists", "exists", merge->path.data, "%s",
                     words);
}

static bool fail(struct merge *merge, const char *doing) {
  return trouble_os(merge->trouble, errno, doing, merge->path.data);
}

static bool merge_folder(struct merge *merge, int from, int to);

/* What cannot be moved is told before anything is. */
static bool same_device(struct merge *merge, int from, int to) {
  struct stat one, two;
  if (fstat(from, &one) != 0 || fstat(to, &two) != 0)
    return fail(merge, "read");
  if (one.st_dev == two.st_dev) return true;
  return in_the_way(merge, "the place has another disk mounted there; unpack "
                           "elsewhere and copy it");
}

static bool merge_below(struct merge *merge, int from, int to,
                        const char *name) {
  int below = openat(from, name, FOLDER);
  int into = below < 0 ? -1 : openat(to, name, FOLDER);
  bool good = into >= 0 ? same_device(merge, below, into) &&
                              merge_folder(merge, below, into)
                        : fail(merge, "open");
  if (below >= 0) close(below);
  if (into >= 0) close(into);
  return good;
}

static bool merge_entry(struct merge *merge, int from, int to, const char *name,
                        bool is_folder) {
  struct stat info;
  bool there = fstatat(to, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (!there && errno != ENOENT) return fail(merge, "write");
  if (there && is_folder && S_ISDIR(info.st_mode))
    return merge_below(merge, from, to, name);
  if (there && (is_folder || S_ISDIR(info.st_mode)))
    return in_the_way(
        merge, is_folder ? "a folder, and the place holds something else of "
                           "this name, or a link"
                         : "the place holds a folder of this name");
  if (there && !merge->overwrite)
    return in_the_way(merge,
                      "it is there already; overwrite = true replaces it");
  if (merge->looks_only || renameat(from, name, to, name) == 0) return true;
  return fail(merge, "write");
}

static bool merge_folder(struct merge *merge, int from, int to) {
  struct folder folder = {0};
  size_t size = merge->path.size;
  int fd = openat(from, ".", FOLDER);
  int error = fd < 0 ? errno : folder_read(&folder, fd);
  bool good = error == 0 || trouble_os(merge->trouble, error, "read", NULL);
  for (size_t i = 0; good && i < folder.count; i++) {
    const char *name = folder.entries[i].name;
    error = text_set_name(&merge->path, size, name);
    good = error == 0 ? merge_entry(merge, from, to, name,
                                    folder.entries[i].type == DT_DIR)
                      : trouble_os(merge->trouble, error, NULL, NULL);
  }
  merge->path.size = size;
  folder_free(&folder);
  return good;
}

bool tree_merge(int from, int to, bool overwrite, struct trouble *trouble) {
  struct merge merge = {overwrite, true, {0}, trouble};
  bool good = merge_folder(&merge, from, to);
  merge.looks_only = false;
  good = good && merge_folder(&merge, from, to);
  free(merge.path.data);
  return good;
}

void tree_remove(int folder, const char *name) {
  if (unlinkat(folder, name, 0) == 0) return;
  int fd = openat(folder, name, FOLDER);
  struct folder inside = {0};
  int again = fd < 0 ? -1 : openat(fd, ".", FOLDER);
  if (again >= 0 && folder_read(&inside, again) == 0)
    for (size_t i = 0; i < inside.count; i++)
      tree_remove(fd, inside.entries[i].name);
  folder_free(&inside);
  if (fd >= 0) close(fd);
  unlinkat(folder, name, AT_REMOVEDIR);
}

/* Whoever fills such a folder holds a lock on it as long as it lives. */
static void remove_dead(int folder, const char *name) {
  int fd = openat(folder, name, FOLDER);
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) tree_remove(folder, name);
  close(fd);
}

/* prefix PID-N.tmp, as archive_place.c makes them: others are somebody's. */
static bool is_litter(const char *name, const char *prefix) {
  int pid, end = 0;
  unsigned n;
  size_t size = strlen(prefix);
  return strncmp(name, prefix, size) == 0 &&
         sscanf(name + size, "%d-%u.tmp%n", &pid, &n, &end) == 2 && end > 0 &&
         name[size + (size_t)end] == '\0';
}

void tree_clear_litter(int folder, const char *prefix) {
  struct folder inside = {0};
  int fd = openat(folder, ".", FOLDER);
  if (fd >= 0 && folder_read(&inside, fd) == 0)
    for (size_t i = 0; i < inside.count; i++)
      if (inside.entries[i].type == DT_DIR &&
          is_litter(inside.entries[i].name, prefix))
        remove_dead(folder, inside.entries[i].name);
  folder_free(&inside);
}
