/* See replace.h. The new file has no name while it is written (O_TMPFILE), so a
 * killed writer leaves nothing; a name is needed only for the moment of the
 * rename, or all the time on file systems without O_TMPFILE. Such a name is
 * `.NAME.orch-PID-N.tmp`, and its file is flocked by its writer: one that can
 * be locked is litter, whichever machine or container its writer ran in. */
#include "replace.h"

#include "litter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

static unsigned counter; /* makes temporary names unique in this process */

/* Replaces the link at the end of `path` by what it points to. False: `path` is
 * no link (or is not there). */
static bool follow_link(char *path, int *error) {
  char target[PATH_MAX];
  ssize_t size = readlink(path, target, sizeof target - 1);
  if (size < 0) return false;
  target[size] = '\0';
  char *slash = strrchr(path, '/');
  size_t keep = target[0] == '/' || slash == NULL ? 0 : slash + 1 - path;
  if (keep + size >= PATH_MAX) {
    *error = ENAMETOOLONG;
    return false;
  }
  memcpy(path + keep, target, size + 1);
  return true;
}

static int follow_links(char *path) {
  int error = 0;
  for (int i = 0; follow_link(path, &error); i++)
    if (i == LINKS_MAX) return ELOOP;
  return error;
}

static int open_folder(struct replace *replace) {
  char *slash = strrchr(replace->path, '/');
  replace->name = slash ? slash + 1 : replace->path;
  if (*replace->name == '\0') return EISDIR;
  int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  if (slash == NULL) {
    replace->folder = open(".", flags);
  } else {
    *slash = '\0';
    replace->folder = open(slash == replace->path ? "/" : replace->path, flags);
    *slash = '/';
  }
  return replace->folder < 0 ? errno : 0;
}

static void set_temporary_name(struct replace *replace) {
  unsigned n = __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
  snprintf(replace->temporary, sizeof replace->temporary,
           ".%.180s.orch-%d-%u.tmp", replace->name, (int)getpid(), n);
}

/* A new file gets the mode that the umask leaves; one that will get another
 * mode in the end is nobody else's to read until then. */
static mode_t first_mode(struct replace *replace) {
  return replace->exists || replace->mode >= 0 ? 0600 : 0666;
}

/* Another process with our number (a container's) may own the name already. */
static int create_named(struct replace *replace) {
  do {
    set_temporary_name(replace);
    replace->fd =
        openat(replace->folder, replace->temporary,
               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, first_mode(replace));
  } while (replace->fd < 0 && errno == EEXIST);
  if (replace->fd >= 0) return 0;
  replace->temporary[0] = '\0';
  return errno;
}

/* Between its creation and our lock somebody may take it for litter. */
static int open_named(struct replace *replace) {
  struct stat info;
  for (;;) {
    int error = create_named(replace);
    if (error != 0) return error;
    flock(replace->fd, LOCK_EX);
    if (fstat(replace->fd, &info) != 0 || info.st_nlink > 0) return 0;
    close(replace->fd);
  }
}

static int open_new(struct replace *replace) {
  replace->fd = openat(replace->folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC,
                       first_mode(replace));
  if (replace->fd >= 0) {
    flock(replace->fd, LOCK_EX | LOCK_NB);
    return 0;
  }
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return errno;
  return open_named(replace);
}

static int look_at_old(struct replace *replace) {
  if (fstatat(replace->folder, replace->name, &replace->old,
              AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? 0 : errno;
  replace->exists = true;
  return S_ISDIR(replace->old.st_mode) ? EISDIR : 0;
}

static int open_all(struct replace *replace) {
  int error = follow_links(replace->path);
  if (error == 0) error = open_folder(replace);
  if (error == 0) error = look_at_old(replace);
  if (error != 0 || replace_is_special(replace)) return error;
  litter_clear(replace->folder);
  return open_new(replace);
}

bool replace_open(struct replace *replace, const char *path, int mode,
                  const char *doing, struct fault *fault) {
  replace->mode = mode;
  replace->fd = replace->folder = -1;
  replace->exists = false;
  replace->temporary[0] = '\0';
  size_t size = strlen(path);
  int error = size < PATH_MAX ? 0 : ENAMETOOLONG;
  if (error == 0) {
    memcpy(replace->path, path, size + 1);
    error = open_all(replace);
  }
  if (error == 0) return true;
  replace_abandon(replace);
  if (error == EISDIR)
    return fault_say(fault, error, doing, path, "it is a folder");
  return fault_set(fault, error, doing, path);
}

enum { ATTRIBUTES = 4096, VALUE = 64 << 10 };

/* Who else may read the old file (ACLs), and what others have noted at it, as
 * far as we may. What `security.` is of the content stays with the content. */
static void keep_attributes(struct replace *replace) {
  char names[ATTRIBUTES];
  ssize_t size = llistxattr(replace->path, names, sizeof names);
  char *value = size > 0 ? malloc(VALUE) : NULL;
  if (value == NULL) return;
  for (char *name = names; name < names + size; name += strlen(name) + 1) {
    if (strncmp(name, "security.", 9) == 0) continue;
    ssize_t got = lgetxattr(replace->path, name, value, VALUE);
    if (got >= 0) fsetxattr(replace->fd, name, value, got, 0);
  }
  free(value);
}

/* The owner is kept as far as we may: only root can give files away. */
static int set_mode(struct replace *replace) {
  int mode = replace->mode;
  if (replace->exists) {
    keep_attributes(replace);
    if (mode < 0) mode = replace->old.st_mode & 07777;
    if (fchown(replace->fd, replace->old.st_uid, replace->old.st_gid) != 0 &&
        fchown(replace->fd, -1, replace->old.st_gid) != 0)
      mode &= ~06000;
  }
  if (mode < 0) return 0;
  return fchmod(replace->fd, mode) == 0 ? 0 : errno;
}

/* Gives the unnamed file a name: with no old file there, at once the final. */
static int give_name(struct replace *replace) {
  char self[64];
  snprintf(self, sizeof self, "/proc/self/fd/%d", replace->fd);
  if (!replace->exists && linkat(AT_FDCWD, self, replace->folder, replace->name,
                                 AT_SYMLINK_FOLLOW) == 0)
    return 0;
  int status;
  do {
    set_temporary_name(replace);
    status = linkat(AT_FDCWD, self, replace->folder, replace->temporary,
                    AT_SYMLINK_FOLLOW);
  } while (status != 0 && errno == EEXIST);
  if (status == 0) return 0;
  replace->temporary[0] = '\0';
  return errno;
}

static int put_in_place(struct replace *replace) {
  int error = replace->temporary[0] == '\0' ? give_name(replace) : 0;
  if (error != 0 || replace->temporary[0] == '\0') return error;
  if (renameat(replace->folder, replace->temporary, replace->folder,
               replace->name) != 0)
    return errno;
  replace->temporary[0] = '\0';
  return 0;
}

bool replace_commit(struct replace *replace, bool sync, const char *doing,
                    struct fault *fault) {
  int error = set_mode(replace);
  if (error == 0 && sync && fsync(replace->fd) != 0) error = errno;
  if (error == 0) error = put_in_place(replace);
  if (error == 0 && sync && fsync(replace->folder) != 0 && errno != EINVAL)
    error = errno;
  if (error != 0) fault_set(fault, error, doing, replace->path);
  replace_abandon(replace);
  return error == 0;
}

void replace_abandon(struct replace *replace) {
  if (replace->temporary[0] != '\0')
    unlinkat(replace->folder, replace->temporary, 0);
  if (replace->fd >= 0) close(replace->fd);
  if (replace->folder >= 0) close(replace->folder);
  replace->fd = replace->folder = -1;
  replace->temporary[0] = '\0';
}
