/* fs.mkdir, fs.move, fs.link and the making of temporaries; see entry.h. */
#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Makes what is missing above `path`, from the top down. */
static int make_parents(char *path, mode_t mode) {
  for (char *slash = strchr(path + 1, '/'); slash;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int error = mkdir(path, mode) == 0 ? 0 : errno;
    if (error != 0 && error != EEXIST && is_folder(path)) error = 0;
    *slash = '/';
    if (error != 0 && error != EEXIST) return error;
  }
  return 0;
}

static void run_mkdir(struct op_work *work) {
  struct entry_op *entry = (struct entry_op *)work;
  int error = mkdir(entry->path, entry->number) == 0 ? 0 : errno;
  if (error == ENOENT && entry->flag && *entry->path != '\0') {
    char *path = strdup(entry->path);
    error = path == NULL ? ENOMEM : make_parents(path, entry->number);
    if (error == 0 && mkdir(entry->path, entry->number) != 0) error = errno;
    free(path);
  }
  entry->answer = error == 0;
  if (error == 0 || (error == EEXIST && entry->flag && is_folder(entry->path)))
    return;
  if (error == EEXIST)
    fault_say(&entry->fault, error, "make the folder", entry->path,
              is_folder(entry->path) ? "it is there already"
                                     : "something else has that name");
  else
    fault_set(&entry->fault, error, "make the folder", entry->path);
}

/* mkdir(path, parents, mode) -> whether it was made */
static int change_mkdir(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("mkdir", entry_push_answer);
  return entry_start(L, &kind, luaL_checkstring(L, 1), NULL,
                     lua_toboolean(L, 2), (int)luaL_checkinteger(L, 3),
                     run_mkdir);
}

static void run_move(struct op_work *work) {
  struct entry_op *entry = (struct entry_op *)work;
  unsigned flags = entry->flag ? 0 : RENAME_NOREPLACE;
  entry->answer =
      renameat2(AT_FDCWD, entry->path, AT_FDCWD, entry->other, flags) == 0;
  if (entry->answer || errno == EXDEV) return;
  int error = errno;
  if (is_folder(entry->other) &&
      (error == EISDIR || error == ENOTEMPTY || error == EEXIST))
    fault_say(&entry->fault, error, "move to", entry->other,
              "a folder is there already; give the whole new path");
  else if (error == EEXIST)
    fault_say(&entry->fault, error, "move to", entry->other,
              "it is there already");
  else
    fault_set(&entry->fault, error, "move", entry->path);
}

/* move(from, to, overwrite) -> false where they are on different devices */
static int change_move(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("move", entry_push_answer);
  return entry_start(L, &kind, luaL_checkstring(L, 1), luaL_checkstring(L, 2),
                     lua_toboolean(L, 3), 0, run_move);
}

static int make_link(struct entry_op *entry, const char *path) {
  int status = entry->flag ? linkat(AT_FDCWD, entry->other, AT_FDCWD, path, 0)
                           : symlink(entry->other, path);
  return status == 0 ? 0 : errno;
}

/* A link cannot be changed; another one takes its place. */
static int replace_link(struct entry_op *entry) {
  static unsigned counter;
  char path[PATH_MAX];
  unsigned n = __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
  int size = snprintf(path, sizeof path, "%s.orch-%d-%u.tmp", entry->path,
                      (int)getpid(), n);
  if (size >= (int)sizeof path) return ENAMETOOLONG;
  int error = make_link(entry, path);
  if (error == 0 && rename(path, entry->path) != 0) error = errno;
  if (error != 0) unlink(path);
  return error;
}

static void run_link(struct op_work *work) {
  struct entry_op *entry = (struct entry_op *)work;
  int error = make_link(entry, entry->path);
  if (error == EEXIST && entry->number) error = replace_link(entry);
  if (error != 0) fault_set(&entry->fault, error, "make the link", entry->path);
}

/* link(path, target, hard, replace) */
static int change_link(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("link", entry_push_answer);
  return entry_start(L, &kind, luaL_checkstring(L, 1), luaL_checkstring(L, 2),
                     lua_toboolean(L, 3), lua_toboolean(L, 4), run_link);
}

/* A temporary that nobody was told of, because the task was cancelled. */
static void temporary_drop(struct op *op) {
  struct entry_op *entry = (struct entry_op *)op;
  if (entry->text != NULL && entry->answer)
    unlinkat(AT_FDCWD, entry->text, entry->flag ? AT_REMOVEDIR : 0);
  entry_drop(op);
}

static int push_temporary(lua_State *L, struct op *op) {
  struct entry_op *entry = (struct entry_op *)op;
  fault_check(L, &entry->fault, entry->path);
  lua_pushstring(L, entry->text);
  entry->answer = false; /* the caller's from now on */
  return 1;
}

static void run_temporary(struct op_work *work) {
  struct entry_op *entry = (struct entry_op *)work;
  entry->text = strdup(entry->path);
  if (entry->text == NULL) {
    fault_set(&entry->fault, ENOMEM, "make", entry->path);
    return;
  }
  int suffix = entry->number;
  int fd = -1;
  if (entry->flag)
    entry->answer = mkdtemp(entry->text) != NULL;
  else
    entry->answer = (fd = mkostemps(entry->text, suffix, O_CLOEXEC)) >= 0;
  if (!entry->answer)
    fault_set(&entry->fault, errno, "make a temporary like", entry->path);
  if (fd >= 0) close(fd);
}

/* temporary(pattern with XXXXXX, folder, length of the suffix) -> path */
static int change_temporary(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.temp",
                                      .size = sizeof(struct entry_op),
                                      .result = push_temporary,
                                      .cancel = op_work_cancel,
                                      .drop = temporary_drop};
  return entry_start(L, &kind, luaL_checkstring(L, 1), NULL,
                     lua_toboolean(L, 2), (int)luaL_checkinteger(L, 3),
                     run_temporary);
}

int luaopen_orch_core_change(lua_State *L);
int luaopen_orch_core_change(lua_State *L) {
  static const luaL_Reg functions[] = {{"mkdir", change_mkdir},
                                       {"move", change_move},
                                       {"link", change_link},
                                       {"temporary", change_temporary},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
