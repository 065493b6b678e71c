/* One entry of the file system: stat, exists, list, mkdir, move, link,
 * temporary names. Each is one trip of a few system calls. */
#include "error.h"
#include "fault.h"
#include "folder.h"
#include "op.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry_op {
  struct op_work work;
  struct fault fault;
  const char *path, *other; /* Lua strings of the call */
  bool flag;                /* what it means is said at each function */
  int number;
  bool answer;
  struct stat info;
  struct folder folder;
  char *text; /* ours: a link's target, a temporary path */
};

static void entry_drop(struct op *op) {
  struct entry_op *entry = (struct entry_op *)op;
  folder_free(&entry->folder);
  free(entry->text);
  entry->text = NULL;
  fault_clear(&entry->fault);
}

#define ENTRY_KIND(what, push)                                                 \
  {                                                                            \
    .name = "fs." what, .size = sizeof(struct entry_op), .result = push,       \
    .cancel = op_work_cancel, .drop = entry_drop                               \
  }

static int start(lua_State *L, const struct op_kind *kind, const char *path,
                 const char *other, bool flag, int number,
                 void (*run)(struct op_work *)) {
  struct entry_op *entry = op_new(L, kind);
  entry->path = path;
  entry->other = other;
  entry->flag = flag;
  entry->number = number;
  op_work_start(&entry->work, run);
  return op_await(L, &entry->work.op);
}

static int push_answer(lua_State *L, struct op *op) {
  struct entry_op *entry = (struct entry_op *)op;
  fault_check(L, &entry->fault, entry->path);
  lua_pushboolean(L, entry->answer);
  return 1;
}

static void set_number(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, struct timespec time) {
  lua_pushnumber(L, (lua_Number)time.tv_sec + (lua_Number)time.tv_nsec / 1e9);
  lua_setfield(L, -2, name);
}

static void set_mode_text(lua_State *L, mode_t mode) {
  char text[] = "rwxrwxrwx";
  for (int i = 0; i < 9; i++)
    if (!(mode & (0400 >> i))) text[i] = '-';
  if (mode & S_ISUID) text[2] = mode & 0100 ? 's' : 'S';
  if (mode & S_ISGID) text[5] = mode & 010 ? 's' : 'S';
  if (mode & S_ISVTX) text[8] = mode & 01 ? 't' : 'T';
  lua_pushstring(L, text);
  lua_setfield(L, -2, "mode_text");
}

static int push_stat(lua_State *L, struct op *op) {
  struct entry_op *entry = (struct entry_op *)op;
  const struct stat *info = &entry->info;
  fault_check(L, &entry->fault, entry->path);
  lua_createtable(L, 0, 14);
  lua_pushstring(L, folder_type_name(folder_type_of(info->st_mode)));
  lua_setfield(L, -2, "type");
  set_number(L, "size", info->st_size);
  set_number(L, "mode", info->st_mode & 07777);
  set_mode_text(L, info->st_mode);
  set_time(L, "mtime", info->st_mtim);
  set_time(L, "atime", info->st_atim);
  set_time(L, "ctime", info->st_ctim);
  set_number(L, "uid", info->st_uid);
  set_number(L, "gid", info->st_gid);
  set_number(L, "links", info->st_nlink);
  set_number(L, "inode", info->st_ino);
  set_number(L, "device", info->st_dev);
  set_number(L, "disk", info->st_blocks * 512);
  if (entry->text != NULL) {
    lua_pushstring(L, entry->text);
    lua_setfield(L, -2, "target");
  }
  return 1;
}

static char *read_link(const char *path) {
  char target[PATH_MAX];
  ssize_t size = readlink(path, target, sizeof target);
  return size < 0 ? NULL : strndup(target, size);
}

static void run_stat(struct op_work *work) {
  struct entry_op *entry = (struct entry_op *)work;
  int flags = entry->flag ? 0 : AT_SYMLINK_NOFOLLOW;
  if (fstatat(AT_FDCWD, entry->path, &entry->info, flags) != 0)
    fault_set(&entry->fault, errno, "look at", entry->path);
  else if (S_ISLNK(entry->info.st_mode))
    entry->text = read_link(entry->path);
}

/* stat(path, follow) -> table */
static int entry_stat(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("stat", push_stat);
  return start(L, &kind, luaL_checkstring(L, 1), NULL, lua_toboolean(L, 2), 0,
               run_stat);
}

static void run_exists(struct op_work *work) {
  struct entry_op *entry = (struct entry_op *)work;
  int flags = entry->flag ? 0 : AT_SYMLINK_NOFOLLOW;
  entry->answer = fstatat(AT_FDCWD, entry->path, &entry->info, flags) == 0;
  if (!entry->answer && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
    fault_set(&entry->fault, errno, "look at", entry->path);
}

/* exists(path, follow) -> boolean */
static int entry_exists(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("exists", push_answer);
  return start(L, &kind, luaL_checkstring(L, 1), NULL, lua_toboolean(L, 2), 0,
               run_exists);
}

static int push_names(lua_State *L, struct op *op) {
  struct entry_op *entry = (struct entry_op *)op;
  const struct folder *folder = &entry->folder;
  fault_check(L, &entry->fault, entry->path);
  lua_createtable(L, (int)folder->count, 0);
  lua_createtable(L, (int)folder->count, 0);
  for (size_t i = 0; i < folder->count; i++) {
    lua_pushstring(L, folder->entries[i].name);
    lua_rawseti(L, -3, (lua_Integer)i + 1);
    lua_pushstring(L, folder_type_name(folder->entries[i].type));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 2;
}

static void run_list(struct op_work *work) {
  struct entry_op *entry = (struct entry_op *)work;
  int fd = open(entry->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 ? errno : folder_read(&entry->folder, fd);
  if (error == ENOTDIR && access(entry->path, F_OK) == 0)
    fault_say(&entry->fault, error, "list", entry->path, "it is not a folder");
  else if (error != 0)
    fault_set(&entry->fault, error, "list", entry->path);
}

/* list(path) -> names, types: two lists, sorted by name */
static int entry_list(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("list", push_names);
  return start(L, &kind, luaL_checkstring(L, 1), NULL, false, 0, run_list);
}

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
static int entry_mkdir(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("mkdir", push_answer);
  return start(L, &kind, luaL_checkstring(L, 1), NULL, lua_toboolean(L, 2),
               (int)luaL_checkinteger(L, 3), run_mkdir);
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
static int entry_move(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("move", push_answer);
  return start(L, &kind, luaL_checkstring(L, 1), luaL_checkstring(L, 2),
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
static int entry_link(lua_State *L) {
  static const struct op_kind kind = ENTRY_KIND("link", push_answer);
  return start(L, &kind, luaL_checkstring(L, 1), luaL_checkstring(L, 2),
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
static int entry_temporary(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.temp",
                                      .size = sizeof(struct entry_op),
                                      .result = push_temporary,
                                      .cancel = op_work_cancel,
                                      .drop = temporary_drop};
  return start(L, &kind, luaL_checkstring(L, 1), NULL, lua_toboolean(L, 2),
               (int)luaL_checkinteger(L, 3), run_temporary);
}

int luaopen_orch_core_entry(lua_State *L);
int luaopen_orch_core_entry(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"stat", entry_stat},           {"exists", entry_exists},
      {"list", entry_list},           {"mkdir", entry_mkdir},
      {"move", entry_move},           {"link", entry_link},
      {"temporary", entry_temporary}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
