/* fs.stat, fs.exists and fs.list: what is there; see entry.h. */
#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void entry_drop(struct op *op) {
  struct entry_op *entry = (struct entry_op *)op;
  folder_free(&entry->folder);
  free(entry->text);
  entry->text = NULL;
  fault_clear(&entry->fault);
}

int entry_start(lua_State *L, const struct op_kind *kind, const char *path,
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

int entry_push_answer(lua_State *L, struct op *op) {
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
  return entry_start(L, &kind, luaL_checkstring(L, 1), NULL,
                     lua_toboolean(L, 2), 0, run_stat);
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
  static const struct op_kind kind = ENTRY_KIND("exists", entry_push_answer);
  return entry_start(L, &kind, luaL_checkstring(L, 1), NULL,
                     lua_toboolean(L, 2), 0, run_exists);
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
  return entry_start(L, &kind, luaL_checkstring(L, 1), NULL, false, 0,
                     run_list);
}

int luaopen_orch_core_entry(lua_State *L);
int luaopen_orch_core_entry(lua_State *L) {
  static const luaL_Reg functions[] = {{"stat", entry_stat},
                                       {"exists", entry_exists},
                                       {"list", entry_list},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
