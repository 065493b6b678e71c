/* See archive_place.h. */
#include "archive_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "archive_tree.h"

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

static unsigned counter; /* makes names unique in this process */

/* Opens the folder that was asked for, or the one that it will be in. */
static int open_base(struct unpack_place *place, const char *folder) {
  char above[PATH_MAX];
  size_t size = strlen(folder);
  while (size > 1 && folder[size - 1] == '/') size--;
  if (size >= sizeof above) return ENAMETOOLONG;
  memcpy(above, folder, size);
  above[size] = '\0';
  place->base = open(above, FOLDER);
  place->exists = place->base >= 0;
  if (place->exists || errno != ENOENT) return place->exists ? 0 : errno;
  char *slash = strrchr(above, '/');
  const char *last = slash ? slash + 1 : above;
  if (strlen(last) > NAME_MAX) return ENAMETOOLONG;
  strcpy(place->last, last);
  if (slash) *slash = '\0';
  place->base = open(!slash ? "." : slash == above ? "/" : above, FOLDER);
  return place->base < 0 ? errno : 0;
}

static bool is_gone(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && info.st_nlink == 0;
}

/* Between its creation and our lock somebody may take it for litter. */
static int make_private(struct unpack_place *place, const char *prefix) {
  for (;;) {
    unsigned n = __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
    snprintf(place->name, sizeof place->name, "%.200s%d-%u.tmp", prefix,
             (int)getpid(), n);
    if (mkdirat(place->base, place->name, 0700) != 0) {
      if (errno == EEXIST) continue;
      place->name[0] = '\0';
      return errno;
    }
    place->private = openat(place->base, place->name, FOLDER | O_NOFOLLOW);
    if (place->private < 0 && errno == ENOENT) continue;
    if (place->private < 0) return errno;
    flock(place->private, LOCK_EX | LOCK_NB);
    if (!is_gone(place->private)) return 0;
    close(place->private);
    place->private = -1;
  }
}

/* What will be moved is within the private one, with the usual mode. */
static int make_content(struct unpack_place *place) {
  if (mkdirat(place->private, "content", 0777) != 0) return errno;
  place->content = openat(place->private, "content", FOLDER | O_NOFOLLOW);
  return place->content < 0 ? errno : 0;
}

bool place_open(struct unpack_place *place, const char *folder,
                struct trouble *trouble) {
  char prefix[NAME_MAX + 1] = ".orch-unpack-";
  place->base = place->private = place->content = -1;
  int error = open_base(place, folder);
  if (error == 0 && !place->exists)
    snprintf(prefix, sizeof prefix, ".%.150s.orch-", place->last);
  if (error == 0) {
    tree_clear_litter(place->base, prefix);
    error = make_private(place, prefix);
  }
  if (error == 0) error = make_content(place);
  return error == 0 || trouble_os(trouble, error, "write into", folder);
}

bool place_commit(struct unpack_place *place, bool overwrite,
                  struct trouble *trouble, const char *folder) {
  if (place->exists)
    return tree_merge(place->content, place->base, overwrite, trouble);
  if (renameat(place->private, "content", place->base, place->last) == 0)
    return true;
  return trouble_os(trouble, errno, "write", folder);
}

void place_close(struct unpack_place *place) {
  if (place->base >= 0 && place->name[0] != '\0')
    tree_remove(place->base, place->name);
  if (place->content >= 0) close(place->content);
  if (place->private >= 0) close(place->private);
  if (place->base >= 0) close(place->base);
  place->base = place->private = place->content = -1;
  place->name[0] = '\0';
}
