/* See archive_tree.h. */
#include "archive_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static bool refuse(struct tree *tree, const char *name, const char *words) {
  return trouble_say(tree->trouble, "format", "unsafe", name, "%s", words);
}

static bool fail(struct tree *tree, const char *name) {
  return trouble_os(tree->trouble, errno, "write", name);
}

static bool remember(struct tree *tree, struct made_list *list,
                     const char *name, const char *target, int64_t mtime) {
  if (list->count == list->room) {
    size_t room = list->room ? list->room * 2 : 64;
    void *items = realloc(list->items, room * sizeof *list->items);
    if (items == NULL) return trouble_os(tree->trouble, ENOMEM, NULL, NULL);
    list->items = items;
    list->room = room;
  }
  struct made *made = &list->items[list->count++];
  made->name = strdup(name);
  made->target = target ? strdup(target) : NULL;
  made->mtime = mtime;
  if (made->name && (made->target || !target)) return true;
  return trouble_os(tree->trouble, ENOMEM, NULL, NULL);
}

/* One step down from `folder`, which is closed; -1 with trouble. */
static int step(struct tree *tree, int folder, const char *part,
                const char *name) {
  int next = openat(folder, part, FOLDER);
  if (next < 0 && errno == ENOENT &&
      (mkdirat(folder, part, 0777) == 0 || errno == EEXIST))
    next = openat(folder, part, FOLDER);
  if (next < 0 && (errno == ENOTDIR || errno == ELOOP))
    refuse(tree, name, "it lies in something that is no folder");
  else if (next < 0)
    fail(tree, name);
  if (folder != tree->root) close(folder);
  return next;
}

static void forget_parent(struct tree *tree) {
  if (tree->parent >= 0 && tree->parent != tree->root) close(tree->parent);
  tree->parent = -1;
}

/* The folder that `name` is in, open and remembered for the next one. */
static int open_parent(struct tree *tree, const char *name) {
  const char *slash = strrchr(name, '/');
  if (slash == NULL) return tree->root;
  size_t size = (size_t)(slash - name);
  if (tree->parent >= 0 && tree->parent_name.size == size &&
      memcmp(tree->parent_name.data, name, size) == 0)
    return tree->parent;
  forget_parent(tree);
  tree->parent_name.size = 0;
  if (text_add(&tree->parent_name, name, size + 1) != 0) {
    trouble_os(tree->trouble, ENOMEM, NULL, NULL);
    return -1;
  }
  char *part = tree->parent_name.data;
  part[size] = '\0';
  int folder = tree->root;
  while (folder >= 0 && part) {
    char *end = strchr(part, '/');
    if (end) *end = '\0';
    folder = step(tree, folder, part, name);
    if (end) *end = '/';
    part = end ? end + 1 : NULL;
  }
  tree->parent_name.size = size;
  return tree->parent = folder;
}

static const char *last_part(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash ? slash + 1 : name;
}

/* Whoever unpacks must be able to write into it, and to remove it. */
bool tree_folder(struct tree *tree, const char *name, int mode, int64_t mtime) {
  int parent = open_parent(tree, name);
  if (parent < 0) return false;
  const char *last = last_part(name);
  struct stat info;
  if (mkdirat(parent, last, (mode_t)((mode & 0777) | 0700)) != 0) {
    if (errno != EEXIST) return fail(tree, name);
    if (fstatat(parent, last, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISDIR(info.st_mode))
      return refuse(tree, name, "it is a folder and something else");
    fchmodat(parent, last, (info.st_mode & (mode_t)mode) | 0700, 0);
  }
  return !tree->keep_times || mtime < 0 ||
         remember(tree, &tree->folders, name, NULL, mtime);
}

bool tree_link(struct tree *tree, const char *name, const char *target,
               int64_t mtime) {
  if (target[0] == '\0') return refuse(tree, name, "a link to nothing");
  if (target[0] == '/')
    return refuse(tree, name, "a link that leaves the folder");
  return remember(tree, &tree->links, name, target, mtime);
}

static bool is_type(int parent, const char *last, mode_t type,
                    struct stat *info) {
  return fstatat(parent, last, info, AT_SYMLINK_NOFOLLOW) == 0 &&
         (info->st_mode & S_IFMT) == type;
}

/* 0 or an errno. `file` is what gets a second name; it may have it already. */
static int link_file(struct tree *tree, int from, const char *source, int to,
                     const char *last, const struct stat *file) {
  struct stat old;
  if (linkat(from, source, to, last, 0) == 0) return 0;
  if (errno != EEXIST || !tree->replaces || !is_type(to, last, S_IFREG, &old))
    return errno;
  if (old.st_ino == file->st_ino) return 0;
  if (unlinkat(to, last, 0) != 0) return errno;
  return linkat(from, source, to, last, 0) == 0 ? 0 : errno;
}

/* There are no links yet that the name could lead through. */
bool tree_hard_link(struct tree *tree, const char *name, const char *target) {
  struct stat info;
  int from = open_parent(tree, target);
  if (from < 0) return false;
  if (from != tree->root && (from = dup(from)) < 0) return fail(tree, name);
  int to = open_parent(tree, name), error = 0;
  const char *last = last_part(target);
  if (to >= 0 && !is_type(from, last, S_IFREG, &info))
    error = ENOENT;
  else if (to >= 0)
    error = link_file(tree, from, last, to, last_part(name), &info);
  if (from != tree->root) close(from);
  if (to < 0) return false;
  if (error == ENOENT)
    return refuse(tree, name, "a second name of a file that is not in here");
  if (error == EEXIST) return refuse(tree, name, "this name is in it twice");
  errno = error;
  return error == 0 || fail(tree, name);
}

static int create(int parent, const char *last, int mode) {
  return openat(parent, last,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                (mode_t)mode & 0777);
}

int tree_file(struct tree *tree, const char *name, int mode) {
  int parent = open_parent(tree, name);
  if (parent < 0) return -1;
  const char *last = last_part(name);
  struct stat old;
  int fd = create(parent, last, mode);
  if (fd < 0 && errno == EEXIST && tree->replaces &&
      is_type(parent, last, S_IFREG, &old)) {
    unlinkat(parent, last, 0);
    fd = create(parent, last, mode);
  }
  if (fd >= 0) return fd;
  if (errno == EEXIST)
    refuse(tree, name, "this name is in it twice");
  else
    fail(tree, name);
  return -1;
}

static void set_times(int folder, const char *name, int64_t mtime) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                              {.tv_sec = (time_t)mtime}};
  utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW);
}

static bool make_link(struct tree *tree, const struct made *link) {
  int parent = open_parent(tree, link->name);
  if (parent < 0) return false;
  const char *last = last_part(link->name);
  struct stat old;
  if (tree->replaces && is_type(parent, last, S_IFLNK, &old))
    unlinkat(parent, last, 0);
  if (symlinkat(link->target, parent, last) != 0) {
    if (errno == EEXIST)
      return refuse(tree, link->name, "this name is in it twice");
    return fail(tree, link->name);
  }
  if (tree->keep_times && link->mtime >= 0)
    set_times(parent, last, link->mtime);
  return true;
}

static bool stopped(const struct tree *tree) {
  return __atomic_load_n(tree->stop, __ATOMIC_RELAXED);
}

bool tree_finish(struct tree *tree) {
  for (size_t i = 0; i < tree->links.count; i++)
    if (stopped(tree) || !make_link(tree, &tree->links.items[i])) return false;
  for (size_t i = 0; i < tree->links.count; i++)
    if (stopped(tree) || !tree_check_link(tree, &tree->links.items[i]))
      return false;
  for (size_t i = tree->folders.count; i > 0; i--)
    set_times(tree->root, tree->folders.items[i - 1].name,
              tree->folders.items[i - 1].mtime);
  return true;
}

static void drop_list(struct made_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    free(list->items[i].name);
    free(list->items[i].target);
  }
  free(list->items);
  *list = (struct made_list){0};
}

void tree_close(struct tree *tree) {
  forget_parent(tree);
  free(tree->parent_name.data);
  tree->parent_name = (struct text){0};
  drop_list(&tree->folders);
  drop_list(&tree->links);
}
