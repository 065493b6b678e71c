/* fs.remove: one entry, or a folder with all that is in it. Links are removed,
 * never followed. */
#include "error.h"
#include "fault.h"
#include "folder.h"
#include "op.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct removal {
  struct op_work *work; /* NULL: nobody can stop it */
  struct fault *fault;
  struct text path; /* of what is being removed, for messages */
};

static bool stopped(struct removal *removal) {
  return removal->work != NULL && op_work_stopped(removal->work);
}

/* What vanished meanwhile is removed, too. */
static bool remove_one(struct removal *removal, int parent, const char *name,
                       int flags) {
  if (unlinkat(parent, name, flags) == 0 || errno == ENOENT) return true;
  return fault_set(removal->fault, errno, "remove", removal->path.data);
}

static bool remove_folder(struct removal *removal, int parent,
                          const char *name);

static bool remove_entries(struct removal *removal, int fd,
                           const struct folder *folder) {
  size_t size = removal->path.size;
  for (size_t i = 0; i < folder->count; i++) {
    const struct entry *entry = &folder->entries[i];
    if (stopped(removal)) return false;
    if (text_set_name(&removal->path, size, entry->name) != 0)
      return fault_set(removal->fault, ENOMEM, "remove", NULL);
    bool done = entry->type == DT_DIR ? remove_folder(removal, fd, entry->name)
                                      : remove_one(removal, fd, entry->name, 0);
    if (!done) return false;
  }
  removal->path.size = size;
  removal->path.data[size] = '\0';
  return true;
}

static bool remove_folder(struct removal *removal, int parent,
                          const char *name) {
  struct folder folder;
  int fd =
      openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) {
    int error = errno;
    if (fd >= 0) close(fd);
    if (error == ENOENT) return true;
    return fault_set(removal->fault, error, "remove", removal->path.data);
  }
  int error = folder_read(&folder, copy);
  bool done =
      error == 0 ? remove_entries(removal, fd, &folder)
                 : fault_set(removal->fault, error, "list", removal->path.data);
  folder_free(&folder);
  close(fd);
  return done && remove_one(removal, parent, name, AT_REMOVEDIR);
}

static void remove_tree(const char *path, struct op_work *work,
                        struct fault *fault) {
  struct removal removal = {.work = work, .fault = fault};
  if (text_add(&removal.path, path, strlen(path) + 1) != 0) {
    fault_set(fault, ENOMEM, "remove", path);
    return;
  }
  removal.path.size--;
  if (unlink(path) != 0) {
    if (errno == EISDIR || errno == EPERM)
      remove_folder(&removal, AT_FDCWD, path);
    else
      fault_set(fault, errno, "remove", path);
  }
  free(removal.path.data);
}

struct remove_op {
  struct op_work work;
  struct fault fault;
  const char *path;
  bool recursive, missing_ok, was_missing;
};

static void remove_drop(struct op *op) {
  fault_clear(&((struct remove_op *)op)->fault);
}

static int remove_result(lua_State *L, struct op *op) {
  struct remove_op *removal = (struct remove_op *)op;
  fault_check(L, &removal->fault, removal->path);
  lua_pushboolean(L, !removal->was_missing);
  return 1;
}

static void remove_plain(struct remove_op *removal) {
  if (remove(removal->path) == 0) return;
  if (errno == ENOTEMPTY || errno == EEXIST)
    fault_say(&removal->fault, errno, "remove", removal->path,
              "it is a folder that is not empty; {recursive=true} removes it "
              "with all that is in it");
  else
    fault_set(&removal->fault, errno, "remove", removal->path);
}

static void run_remove(struct op_work *work) {
  struct remove_op *removal = (struct remove_op *)work;
  if (removal->recursive)
    remove_tree(removal->path, work, &removal->fault);
  else
    remove_plain(removal);
  removal->was_missing = removal->fault.error == ENOENT;
  if (removal->was_missing && removal->missing_ok) fault_clear(&removal->fault);
}

/* remove(path, recursive, missing_ok) -> whether something was there */
static int lua_remove_path(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.remove",
                                      .size = sizeof(struct remove_op),
                                      .result = remove_result,
                                      .cancel = op_work_cancel,
                                      .drop = remove_drop};
  const char *path = luaL_checkstring(L, 1);
  bool recursive = lua_toboolean(L, 2), missing_ok = lua_toboolean(L, 3);
  struct remove_op *removal = op_new(L, &kind);
  removal->path = path;
  removal->recursive = recursive;
  removal->missing_ok = missing_ok;
  op_work_start(&removal->work, run_remove);
  return op_await(L, &removal->work.op);
}

/* remove_now(path): at the end of the run, when nothing can wait any more. */
static int lua_remove_now(lua_State *L) {
  struct fault fault = {0};
  remove_tree(luaL_checkstring(L, 1), NULL, &fault);
  fault_clear(&fault);
  return 0;
}

int luaopen_orch_core_remove(lua_State *L);
int luaopen_orch_core_remove(lua_State *L) {
  static const luaL_Reg functions[] = {{"remove", lua_remove_path},
                                       {"remove_now", lua_remove_now},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
