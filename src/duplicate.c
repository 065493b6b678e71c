/* fs.copy: a file (atomically: it appears when it is whole) or a tree. The
 * kernel moves the bytes where it can: a reflink, else copy_file_range. Links
 * in a tree are copied as links. */
#include "error.h"
#include "fault.h"
#include "folder.h"
#include "op.h"
#include "replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SLICE = 16 << 20, BUFFER = 256 << 10 };

struct copy_op {
  struct op_work work;
  struct fault fault;
  const char *from, *to;
  bool overwrite, sync, times;
  uint64_t bytes;
  struct text source, target; /* paths of what is being copied */
};

static bool fail(struct copy_op *copy, int error) {
  return fault_set(&copy->fault, error, "copy", copy->source.data);
}

static bool fail_at_target(struct copy_op *copy, int error) {
  return fault_set(&copy->fault, error, "copy to", copy->target.data);
}

/* --- one file --- */

static bool write_all(struct copy_op *copy, int fd, const char *data,
                      size_t size) {
  while (size > 0) {
    ssize_t put = write(fd, data, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_at_target(copy, errno);
    data += put;
    size -= put;
  }
  return true;
}

/* Where the kernel does not do it, and for what tells no size (/proc). */
static bool copy_by_hand(struct copy_op *copy, int in, int out) {
  char *buffer = malloc(BUFFER);
  if (buffer == NULL) return fail(copy, ENOMEM);
  ssize_t got = 1;
  while (got > 0 && !op_work_stopped(&copy->work)) {
    got = read(in, buffer, BUFFER);
    if (got < 0) fail(copy, errno);
    if (got > 0 && !write_all(copy, out, buffer, got)) got = -1;
    if (got > 0) copy->bytes += got;
  }
  free(buffer);
  return got == 0;
}

static bool copy_in_kernel(struct copy_op *copy, int in, int out) {
  for (;;) {
    if (op_work_stopped(&copy->work)) return false;
    ssize_t got = copy_file_range(in, NULL, out, NULL, SLICE, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
      return fail_at_target(copy, errno);
    if (got <= 0) return copy_by_hand(copy, in, out);
    copy->bytes += got;
  }
}

static bool copy_content(struct copy_op *copy, int in, int out,
                         const struct stat *info) {
  if (info->st_size > 0 && ioctl(out, FICLONE, in) == 0) {
    copy->bytes += info->st_size;
    return true;
  }
  return copy_in_kernel(copy, in, out);
}

static bool copy_open_file(struct copy_op *copy, int in,
                           const struct stat *info) {
  struct replace replace;
  if (!replace_open(&replace, copy->target.data, info->st_mode & 0777,
                    "copy to", &copy->fault))
    return false;
  bool done = false;
  if (replace_is_special(&replace))
    fault_say(&copy->fault, EINVAL, "copy to", copy->target.data,
              "it is no ordinary file");
  else if (replace.exists && !copy->overwrite)
    fault_say(&copy->fault, EEXIST, "copy to", copy->target.data,
              "it is there already");
  else
    done = copy_content(copy, in, replace.fd, info);
  if (!done) {
    replace_abandon(&replace);
    return false;
  }
  struct timespec times[2] = {info->st_atim, info->st_mtim};
  if (copy->times) futimens(replace.fd, times);
  return replace_commit(&replace, copy->sync, "copy to", &copy->fault);
}

static bool copy_file(struct copy_op *copy) {
  struct stat info;
  int fd = open(copy->source.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &info) != 0) {
    fail(copy, errno);
    if (fd >= 0) close(fd);
    return false;
  }
  bool done = copy_open_file(copy, fd, &info);
  close(fd);
  return done;
}

static bool copy_link(struct copy_op *copy) {
  char target[PATH_MAX];
  ssize_t size = readlink(copy->source.data, target, sizeof target - 1);
  if (size < 0) return fail(copy, errno);
  target[size] = '\0';
  if (copy->overwrite) unlink(copy->target.data);
  return symlink(target, copy->target.data) == 0 || fail_at_target(copy, errno);
}

/* --- a tree --- */

static bool copy_any(struct copy_op *copy, unsigned char type);

static bool copy_entries(struct copy_op *copy, const struct folder *folder) {
  size_t source = copy->source.size, target = copy->target.size;
  for (size_t i = 0; i < folder->count; i++) {
    const char *name = folder->entries[i].name;
    if (op_work_stopped(&copy->work)) return false;
    if (text_set_name(&copy->source, source, name) != 0 ||
        text_set_name(&copy->target, target, name) != 0)
      return fail(copy, ENOMEM);
    if (!copy_any(copy, folder->entries[i].type)) return false;
  }
  copy->source.size = source;
  copy->target.size = target;
  copy->source.data[source] = copy->target.data[target] = '\0';
  return true;
}

/* Until it is filled, we must be able to write into the new folder. */
static bool make_folder(struct copy_op *copy, const struct stat *info,
                        bool *made) {
  struct stat there;
  *made = mkdir(copy->target.data, (info->st_mode & 0777) | 0700) == 0;
  if (*made) return true;
  int error = errno;
  if (error == EEXIST && stat(copy->target.data, &there) == 0 &&
      S_ISDIR(there.st_mode))
    return true;
  return fail_at_target(copy, error);
}

static bool copy_open_folder(struct copy_op *copy, int fd,
                             const struct stat *info) {
  struct folder folder;
  bool made = false;
  int error = folder_read(&folder, fd);
  bool done = error == 0 || fail(copy, error);
  done = done && make_folder(copy, info, &made) && copy_entries(copy, &folder);
  folder_free(&folder);
  if (!done) return false;
  struct timespec times[2] = {info->st_atim, info->st_mtim};
  if (made) chmod(copy->target.data, info->st_mode & 0777);
  if (copy->times) utimensat(AT_FDCWD, copy->target.data, times, 0);
  return true;
}

static bool copy_folder(struct copy_op *copy) {
  struct stat info;
  int fd = open(copy->source.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && fstat(fd, &info) == 0)
    return copy_open_folder(copy, fd, &info);
  fail(copy, errno);
  if (fd >= 0) close(fd);
  return false;
}

static bool copy_any(struct copy_op *copy, unsigned char type) {
  switch (type) {
  case DT_REG:
    return copy_file(copy);
  case DT_DIR:
    return copy_folder(copy);
  case DT_LNK:
    return copy_link(copy);
  default:
    return fault_say(&copy->fault, EINVAL, "copy", copy->source.data,
                     "it is no ordinary file (a device, a FIFO or a socket)");
  }
}

/* --- the operation --- */

/* The real path of the folder that `path` is to be in, or NULL. */
static char *real_parent(const char *path) {
  char *copy = strdup(path);
  if (copy == NULL) return NULL;
  char *slash = strrchr(copy, '/');
  if (slash != NULL) slash[slash == copy ? 1 : 0] = '\0';
  char *real = realpath(slash != NULL ? copy : ".", NULL);
  free(copy);
  return real;
}

/* A tree copied into itself would never end. */
static bool is_inside_itself(struct copy_op *copy) {
  char *from = realpath(copy->from, NULL), *to = real_parent(copy->to);
  size_t size = from != NULL ? strlen(from) : 0;
  bool inside = from != NULL && to != NULL && strncmp(from, to, size) == 0 &&
                (to[size] == '/' || to[size] == '\0' || size == 1);
  free(from);
  free(to);
  return inside;
}

static void run_copy(struct op_work *work) {
  struct copy_op *copy = (struct copy_op *)work;
  struct stat info;
  if (stat(copy->from, &info) != 0) {
    fault_set(&copy->fault, errno, "copy", copy->from);
    return;
  }
  if (S_ISDIR(info.st_mode) && is_inside_itself(copy)) {
    fault_say(&copy->fault, EINVAL, "copy", copy->from,
              "the copy would be inside the folder itself");
    return;
  }
  if (text_add(&copy->source, copy->from, strlen(copy->from) + 1) != 0 ||
      text_add(&copy->target, copy->to, strlen(copy->to) + 1) != 0) {
    fault_set(&copy->fault, ENOMEM, "copy", copy->from);
    return;
  }
  copy->source.size--;
  copy->target.size--;
  copy_any(copy, folder_type_of(info.st_mode));
}

static void copy_drop(struct op *op) {
  struct copy_op *copy = (struct copy_op *)op;
  free(copy->source.data);
  free(copy->target.data);
  copy->source.data = copy->target.data = NULL;
  fault_clear(&copy->fault);
}

static int copy_result(lua_State *L, struct op *op) {
  struct copy_op *copy = (struct copy_op *)op;
  fault_check(L, &copy->fault, copy->from);
  lua_pushinteger(L, copy->bytes);
  return 1;
}

/* copy(from, to, overwrite, sync, times) -> bytes */
static int duplicate_copy(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.copy",
                                      .size = sizeof(struct copy_op),
                                      .result = copy_result,
                                      .cancel = op_work_cancel,
                                      .drop = copy_drop};
  const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);
  bool overwrite = lua_toboolean(L, 3), sync = lua_toboolean(L, 4);
  bool times = lua_toboolean(L, 5);
  struct copy_op *copy = op_new(L, &kind);
  copy->from = from;
  copy->to = to;
  copy->overwrite = overwrite;
  copy->sync = sync;
  copy->times = times;
  op_work_start(&copy->work, run_copy);
  return op_await(L, &copy->work.op);
}

int luaopen_orch_core_duplicate(lua_State *L);
int luaopen_orch_core_duplicate(lua_State *L) {
  static const luaL_Reg functions[] = {{"copy", duplicate_copy}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
