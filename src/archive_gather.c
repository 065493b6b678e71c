/* Which files go into an archive: what was asked for and all that is below it,
 * the names in a folder sorted, so that the order is the same everywhere. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "archive_pack.h"

enum { DEPTH = 200 };

static bool full(struct gather *gather) {
  return trouble_os(gather->trouble, ENOMEM, NULL, NULL);
}

static struct item *new_item(struct gather *gather) {
  if (gather->count == gather->room) {
    size_t room = gather->room ? gather->room * 2 : 256;
    void *items = realloc(gather->items, room * sizeof *gather->items);
    if (items == NULL) return NULL;
    gather->items = items;
    gather->room = room;
  }
  struct item *item = &gather->items[gather->count++];
  memset(item, 0, sizeof *item);
  return item;
}

/* prefix + name, which is "" for the folder itself. */
static char *full_name(const struct gather *gather, const char *name) {
  size_t before = strlen(gather->prefix), size = strlen(name);
  char *full = malloc(before + size + 1);
  if (full == NULL) return NULL;
  memcpy(full, gather->prefix, before);
  memcpy(full + before, name, size + 1);
  return full;
}

static bool check_name(struct gather *gather, const char *name,
                       const char *path) {
  const char *problem = name_problem(name);
  if (!problem && !name_is_utf8(name)) problem = "a name that is no UTF-8";
  if (!problem) return true;
  return trouble_say(gather->trouble, "usage", "name", path,
                     "it would become %s", problem);
}

static char *read_link(const char *path) {
  char target[PATH_MAX];
  ssize_t size = readlink(path, target, sizeof target - 1);
  if (size < 0) return NULL;
  target[size] = '\0';
  return strdup(target);
}

static const char *special(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  return S_ISSOCK(mode) ? "a socket" : "a device";
}

static bool add_entry(struct gather *gather, const char *name, const char *path,
                      const struct stat *info) {
  if (!S_ISREG(info->st_mode) && !S_ISDIR(info->st_mode) &&
      !S_ISLNK(info->st_mode))
    return trouble_say(gather->trouble, "usage", "special", path,
                       "it is %s, which no archive should hold; exclude it",
                       special(info->st_mode));
  struct item *item = new_item(gather);
  if (item == NULL) return full(gather);
  item->name = full_name(gather, name);
  item->path = strdup(path);
  item->mode = info->st_mode;
  item->mtime = info->st_mtim.tv_sec;
  item->mtime_ns = info->st_mtim.tv_nsec;
  item->device = info->st_dev;
  item->inode = info->st_ino;
  if (item->name == NULL || item->path == NULL) return full(gather);
  if (S_ISREG(info->st_mode)) item->size = info->st_size;
  if (S_ISLNK(info->st_mode) && (item->target = read_link(path)) == NULL)
    return trouble_os(gather->trouble, errno, "read the link", path);
  gather->bytes += item->size;
  return check_name(gather, item->name, path);
}

/* The folders that the walk is in, against links that lead into one of them. */
struct above {
  const struct above *next;
  dev_t device;
  ino_t inode;
  int depth;
};

static bool visit(struct gather *gather, struct text *name, struct text *path,
                  const struct above *above);

static int set_name(struct text *name, size_t size, const char *entry) {
  if (size > 0) return text_set_name(name, size, entry);
  name->size = 0;
  int error = text_add(name, entry, strlen(entry) + 1);
  if (error == 0) name->size--;
  return error;
}

static bool visit_folder(struct gather *gather, struct text *name,
                         struct text *path, const struct stat *info,
                         const struct above *above) {
  struct above here = {above, info->st_dev, info->st_ino,
                       above ? above->depth + 1 : 1};
  for (const struct above *up = above; up; up = up->next)
    if (up->device == info->st_dev && up->inode == info->st_ino)
      return trouble_say(gather->trouble, "os", "loop", path->data,
                         "a link leads back into a folder that it is in");
  if (here.depth > DEPTH)
    return trouble_os(gather->trouble, ENAMETOOLONG, "read", path->data);
  struct folder folder = {0};
  int fd = open(path->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 ? errno : folder_read(&folder, fd);
  bool good = error == 0;
  if (!good) trouble_os(gather->trouble, error, "read", path->data);
  size_t name_size = name->size, path_size = path->size;
  for (size_t i = 0; good && i < folder.count; i++) {
    const char *entry = folder.entries[i].name;
    if (text_set_name(path, path_size, entry) != 0 ||
        set_name(name, name_size, entry) != 0)
      good = full(gather);
    else
      good = visit(gather, name, path, &here);
  }
  name->size = name_size;
  path->size = path_size;
  if (name->data) name->data[name_size] = '\0';
  path->data[path_size] = '\0';
  folder_free(&folder);
  return good;
}

static bool visit(struct gather *gather, struct text *name, struct text *path,
                  const struct above *above) {
  struct stat info;
  const char *shown = name->size > 0 ? name->data : "";
  if (__atomic_load_n(gather->stop, __ATOMIC_RELAXED)) return false;
  if (*shown && choice_excludes(gather->choice, shown)) return true;
  bool follow = gather->follow || (above == NULL && *shown == '\0');
  if (fstatat(AT_FDCWD, path->data, &info, follow ? 0 : AT_SYMLINK_NOFOLLOW) !=
      0)
    return trouble_os(gather->trouble, errno, "pack", path->data);
  if (gather->old.st_ino != 0 && info.st_ino == gather->old.st_ino &&
      info.st_dev == gather->old.st_dev)
    return true;
  if (*shown && choice_includes(gather->choice, shown) &&
      !add_entry(gather, shown, path->data, &info))
    return false;
  if (S_ISDIR(info.st_mode))
    return visit_folder(gather, name, path, &info, above);
  if (*shown == '\0')
    return trouble_os(gather->trouble, ENOTDIR, "pack the folder", path->data);
  return true;
}

static bool add_text(struct gather *gather, const struct source *source) {
  if (choice_excludes(gather->choice, source->name) ||
      !choice_includes(gather->choice, source->name))
    return true;
  struct item *item = new_item(gather);
  if (item == NULL) return full(gather);
  item->name = full_name(gather, source->name);
  item->text = source->text;
  item->size = (int64_t)source->text_size;
  item->mode = S_IFREG | (mode_t)source->mode;
  item->mtime = time(NULL);
  gather->bytes += item->size;
  if (item->name == NULL) return full(gather);
  return check_name(gather, item->name, item->name);
}

bool gather_add(struct gather *gather, const struct source *source) {
  if (source->path == NULL) return add_text(gather, source);
  struct text name = {0}, path = {0};
  bool good = text_add(&path, source->path, strlen(source->path) + 1) == 0 &&
              text_add(&name, source->name, strlen(source->name) + 1) == 0;
  if (good) {
    path.size--;
    name.size--;
    good = visit(gather, &name, &path, NULL);
  } else {
    full(gather);
  }
  free(name.data);
  free(path.data);
  return good;
}

static int by_name(const void *a, const void *b) {
  const struct item *const *one = a, *const *two = b;
  return strcmp((*one)->name, (*two)->name);
}

static void drop_item(struct item *item) {
  free(item->name);
  free(item->path);
  free(item->target);
  *item = (struct item){0};
}

bool gather_check(struct gather *gather) {
  struct item **sorted = malloc((gather->count + 1) * sizeof *sorted);
  if (sorted == NULL) return full(gather);
  for (size_t i = 0; i < gather->count; i++) sorted[i] = &gather->items[i];
  qsort(sorted, gather->count, sizeof *sorted, by_name);
  bool good = true;
  for (size_t i = 1; good && i < gather->count; i++) {
    struct item *one = sorted[i - 1], *two = sorted[i];
    if (strcmp(one->name, two->name) != 0) continue;
    if (S_ISDIR(one->mode) && S_ISDIR(two->mode))
      two->mode = 0; /* left out */
    else
      good = trouble_say(gather->trouble, "usage", "duplicate", two->name,
                         "two entries would have this name");
    if (two->mode == 0) sorted[i] = one;
  }
  free(sorted);
  return good;
}

void gather_free(struct gather *gather) {
  for (size_t i = 0; i < gather->count; i++) drop_item(&gather->items[i]);
  free(gather->items);
  gather->items = NULL;
  gather->count = gather->room = 0;
}
