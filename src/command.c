/* Nothing here owns memory outside Lua: arrays are userdata, strings are kept
 * in tables, and an error may be raised at any point. */
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tree.h"

extern char **environ;

static char **push_array(lua_State *L, size_t count) {
  return lua_newuserdatauv(L, (count + 1) * sizeof(char *), 0);
}

static char *const *read_argv(lua_State *L, int list) {
  size_t count = lua_rawlen(L, list);
  char **argv = push_array(L, count);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    argv[i] = (char *)lua_tostring(L, -1); /* stays in the list */
    lua_pop(L, 1);
  }
  argv[count] = NULL;
  return argv;
}

/* The variable's value is replaced or unset by `changes`, or it is ours. */
static bool is_changed(lua_State *L, int changes, const char *entry) {
  const char *equals = strchr(entry, '=');
  if (equals == NULL) return false;
  size_t length = equals - entry;
  if (length == sizeof TREE_VARIABLE - 1 &&
      memcmp(entry, TREE_VARIABLE, length) == 0)
    return true;
  if (lua_isnil(L, changes)) return false;
  lua_pushlstring(L, entry, length);
  bool changed = lua_rawget(L, changes) != LUA_TNIL;
  lua_pop(L, 1);
  return changed;
}

/* Ids add up, so that an orch that runs under another is found by both. */
static const char *push_tree_variable(lua_State *L, const char *id) {
  const char *outer = getenv(TREE_VARIABLE);
  return outer && *outer ? lua_pushfstring(L, TREE_VARIABLE "=%s:%s", outer, id)
                         : lua_pushfstring(L, TREE_VARIABLE "=%s", id);
}

static size_t count_changes(lua_State *L, int changes) {
  size_t count = 0;
  if (lua_isnil(L, changes)) return 0;
  for (lua_pushnil(L); lua_next(L, changes); lua_pop(L, 1)) count++;
  return count;
}

/* Our own variables in their order, then the changes. */
static char *const *read_env(lua_State *L, int changes, const char *id) {
  size_t count = count_changes(L, changes) + 1, n = 0;
  for (char **entry = environ; *entry; entry++) count++;
  lua_createtable(L, 0, 0);
  int kept = lua_gettop(L);
  char **envp = push_array(L, count);
  envp[n++] = (char *)push_tree_variable(L, id);
  lua_rawseti(L, kept, (lua_Integer)n);
  for (char **entry = environ; *entry; entry++)
    if (!is_changed(L, changes, *entry)) envp[n++] = *entry;
  envp[n] = NULL;
  if (lua_isnil(L, changes)) return envp;
  for (lua_pushnil(L); lua_next(L, changes); lua_pop(L, 1)) {
    if (lua_type(L, -1) != LUA_TSTRING) continue;
    envp[n++] = (char *)lua_pushfstring(L, "%s=%s", lua_tostring(L, -2),
                                        lua_tostring(L, -1));
    lua_rawseti(L, kept, (lua_Integer)n);
  }
  envp[n] = NULL;
  return envp;
}

void command_read(lua_State *L, struct spawn *spawn, const char *id) {
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, 16, NULL);
  spawn->file = luaL_checkstring(L, 1);
  spawn->argv = read_argv(L, 2);
  spawn->envp = read_env(L, 3, id);
  spawn->cwd = luaL_optstring(L, 4, NULL);
}

/* 0, or why this file cannot be run. */
static int check_program(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return ENOENT;
  if (!S_ISREG(info.st_mode)) return EACCES;
  return access(path, X_OK) == 0 ? 0 : errno;
}

/* The rest of a PATH behind its first folder, which has `length` bytes; an
 * empty one means the folder we are in. NULL: it was the last. */
static const char *next_folder(const char *path, size_t *length) {
  *length = strcspn(path, ":");
  return path[*length] ? path + *length + 1 : NULL;
}

int command_find(lua_State *L) {
  const char *name = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
  const char *cwd = luaL_optstring(L, 3, NULL), *why = "ENOENT";
  size_t length;
  for (const char *next; path != NULL; path = next) {
    char file[4096];
    next = next_folder(path, &length);
    bool relative = length == 0 || *path != '/';
    int size = snprintf(file, sizeof file, "%s%s%.*s/%s",
                        relative && cwd ? cwd : "", relative && cwd ? "/" : "",
                        length ? (int)length : 1, length ? path : ".", name);
    if (size >= (int)sizeof file) continue;
    int error = check_program(file);
    if (error == 0) {
      lua_pushlstring(L, file, size);
      return 1;
    }
    if (error == EACCES) why = "EACCES";
  }
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

int command_programs(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_Integer count = 0;
  size_t length;
  lua_newtable(L);
  for (const char *next; path != NULL; path = next) {
    next = next_folder(path, &length);
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    DIR *entries = opendir(folder);
    if (entries == NULL) continue;
    struct dirent *entry;
    /* Copied first, because Lua may raise while a folder is open. What does
     * not fit is left out: this is for suggestions only. */
    char names[64 << 10];
    size_t used = 0;
    while ((entry = readdir(entries)) != NULL) {
      size_t size = strlen(entry->d_name) + 1;
      if (used + size > sizeof names) break;
      memcpy(names + used, entry->d_name, size);
      used += size;
    }
    closedir(entries);
    for (size_t at = 0; at < used; at += strlen(names + at) + 1) {
      lua_pushstring(L, names + at);
      lua_rawseti(L, -2, ++count);
    }
  }
  return 1;
}
