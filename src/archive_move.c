/* What was unpacked gets to where it belongs, and what was not is removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "archive_tree.h"

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct merge {
  bool overwrite, looks_only;
  struct trouble *trouble;
};

static bool in_the_way(struct merge *merge, const char *name,
                       const char *words) {
  return trouble_say(merge->trouble, "exists", "exists", name, "%s", words);
}

static bool merge_folder(struct merge *merge, int from, int to);

static bool merge_below(struct merge *merge, int from, int to,
                        const char *name) {
  int below = openat(from, name, FOLDER), into = openat(to, name, FOLDER);
  bool good = below >= 0 && into >= 0;
  if (good)
    good = merge_folder(merge, below, into);
  else
    trouble_os(merge->trouble, errno, "open", name);
  if (below >= 0) close(below);
  if (into >= 0) close(into);
  return good;
}

static bool merge_entry(struct merge *merge, int from, int to, const char *name,
                        bool is_folder) {
  struct stat info;
  bool there = fstatat(to, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (!there && errno != ENOENT)
    return trouble_os(merge->trouble, errno, "write", name);
  if (there && is_folder && S_ISDIR(info.st_mode))
    return merge_below(merge, from, to, name);
  if (there && (is_folder || S_ISDIR(info.st_mode)))
    return in_the_way(merge, name,
                      is_folder ? "a folder, and the place holds something "
                                  "else of this name, or a link"
                                : "the place holds a folder of this name");
  if (there && !merge->overwrite)
    return in_the_way(merge, name,
                      "it is there already; overwrite = true replaces it");
  if (merge->looks_only || renameat(from, name, to, name) == 0) return true;
  return trouble_os(merge->trouble, errno, "write", name);
}

static bool merge_folder(struct merge *merge, int from, int to) {
  struct folder folder = {0};
  int fd = openat(from, ".", FOLDER);
  int error = fd < 0 ? errno : folder_read(&folder, fd);
  bool good = error == 0 || trouble_os(merge->trouble, error, "read", NULL);
  for (size_t i = 0; good && i < folder.count; i++)
    good = merge_entry(merge, from, to, folder.entries[i].name,
                       folder.entries[i].type == DT_DIR);
  folder_free(&folder);
  return good;
}

bool tree_merge(int from, int to, bool overwrite, struct trouble *trouble) {
  struct merge merge = {overwrite, true, trouble};
  if (!merge_folder(&merge, from, to)) return false;
  merge.looks_only = false;
  return merge_folder(&merge, from, to);
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

void tree_clear_litter(int folder, const char *prefix) {
  struct folder inside = {0};
  int fd = openat(folder, ".", FOLDER);
  size_t size = strlen(prefix);
  if (fd >= 0 && folder_read(&inside, fd) == 0)
    for (size_t i = 0; i < inside.count; i++)
      if (inside.entries[i].type == DT_DIR &&
          strncmp(inside.entries[i].name, prefix, size) == 0)
        remove_dead(folder, inside.entries[i].name);
  folder_free(&inside);
}
