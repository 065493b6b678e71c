/* One searcher: orch.core.X is C, here or in a plug-in that is loaded on first
 * use, because a heavy library must not cost a script that does not use it;
 * any other orch.X is Lua text. */
#include "modules.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include "embedded.h"

#define MODULES(X)                                                             \
  X(base64)                                                                    \
  X(change)                                                                    \
  X(clock)                                                                     \
  X(code)                                                                      \
  X(duplicate)                                                                 \
  X(entry)                                                                     \
  X(error)                                                                     \
  X(file)                                                                      \
  X(flock)                                                                     \
  X(journal)                                                                   \
  X(lines)                                                                     \
  X(mask)                                                                      \
  X(numbers)                                                                   \
  X(park)                                                                      \
  X(part)                                                                      \
  X(print)                                                                     \
  X(process)                                                                   \
  X(quiet)                                                                     \
  X(remove)                                                                    \
  X(runtime)                                                                   \
  X(size)                                                                      \
  X(stdin)                                                                     \
  X(task)                                                                      \
  X(trace)                                                                     \
  X(tty)                                                                       \
  X(walk)                                                                      \
  X(watch)                                                                     \
  X(worker)

#define DECLARE(name) int luaopen_orch_core_##name(lua_State *L);
MODULES(DECLARE)

#define ENTRY(name) {#name, luaopen_orch_core_##name},
static const luaL_Reg openers[] = {MODULES(ENTRY){NULL, NULL}};

#define PREFIX "orch."
#define CORE "orch.core."

/* Beside the binary, or in lib/orch next to bin/ once installed. */
static const char *const plugin_paths[] = {"%.*s/orch-%s.so",
                                           "%.*s/../lib/orch/orch-%s.so"};

static void *open_plugin(lua_State *L, const char *name) {
  char exe[4096], path[4352];
  size_t size = sizeof exe;
  if (uv_exepath(exe, &size) < 0) return NULL;
  char *slash = strrchr(exe, '/');
  for (size_t i = 0; i < 2 && slash; i++) {
    snprintf(path, sizeof path, plugin_paths[i], (int)(slash - exe), exe, name);
    /* Never closed: what it registered may run until the state is closed. */
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin) return plugin;
    /* It is there, but not a library that it needs. */
    if (access(path, F_OK) == 0) luaL_error(L, "cannot load %s", dlerror());
  }
  return NULL;
}

static lua_CFunction find_core(lua_State *L, const char *name) {
  for (const luaL_Reg *entry = openers; entry->name; entry++)
    if (strcmp(entry->name, name) == 0) return entry->func;
  char symbol[128];
  void *plugin = open_plugin(L, name);
  if (!plugin) return NULL;
  snprintf(symbol, sizeof symbol, "luaopen_orch_core_%s", name);
  lua_CFunction opener;
  *(void **)&opener = dlsym(plugin, symbol);
  return opener;
}

/* "orch.fs.path" -> "fs/path" */
static const char *push_slashed(lua_State *L, const char *name) {
  return luaL_gsub(L, name, ".", "/");
}

static void load_chunk(lua_State *L, const char *text, size_t size,
                       const char *slashed) {
  const char *chunk = lua_pushfstring(L, "=orch/%s.lua", slashed);
  if (luaL_loadbufferx(L, text, size, chunk, "bt") != LUA_OK) lua_error(L);
}

/* Pushes the text of a file; false when there is none. Nothing is open while
 * memory is asked for. */
static bool push_file(lua_State *L, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return false;
  char *text = lua_newuserdatauv(L, (size_t)info.st_size + 1, 0);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, text, (size_t)info.st_size);
  if (fd >= 0) close(fd);
  if (size >= 0) lua_pushlstring(L, text, (size_t)size);
  lua_remove(L, size >= 0 ? -2 : -1);
  return size >= 0;
}

static bool push_from_folder(lua_State *L, const char *folder,
                             const char *slashed) {
  static const char *const forms[] = {"%s/orch/%s.lua", "%s/orch/%s/init.lua"};
  for (size_t i = 0; i < 2; i++)
    if (push_file(L, lua_pushfstring(L, forms[i], folder, slashed)))
      return true;
  return false;
}

static const struct embedded *find_embedded(const char *slashed) {
  const struct embedded *file = embedded_files;
  while (file->name && strcmp(file->name, slashed) != 0) file++;
  return file->name ? file : NULL;
}

static bool load_module(lua_State *L, const char *slashed) {
  const char *folder = getenv("ORCH_LUA");
  if (folder && *folder) {
    size_t size;
    if (!push_from_folder(L, folder, slashed)) return false;
    const char *text = lua_tolstring(L, -1, &size);
    load_chunk(L, text, size, slashed);
    return true;
  }
  const struct embedded *file = find_embedded(slashed);
  if (file) load_chunk(L, file->text, file->size, slashed);
  return file != NULL;
}

int modules_source(lua_State *L) {
  const char *slashed = push_slashed(L, luaL_checkstring(L, 1));
  const char *folder = getenv("ORCH_LUA");
  if (folder && *folder) return push_from_folder(L, folder, slashed);
  const struct embedded *file = find_embedded(slashed);
  if (file) lua_pushlstring(L, file->text, file->size);
  return file != NULL;
}

static int search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (strcmp(name, "orch") == 0) name = "orch.init";
  if (strncmp(name, CORE, sizeof CORE - 1) == 0) {
    lua_CFunction opener = find_core(L, name + sizeof CORE - 1);
    if (!opener) return 0;
    lua_pushcfunction(L, opener);
    lua_pushliteral(L, ":orch:");
    return 2;
  }
  if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0) return 0;
  const char *slashed = push_slashed(L, name + sizeof PREFIX - 1);
  if (!load_module(L, slashed)) return 0;
  lua_pushfstring(L, "orch/%s.lua", slashed);
  return 2;
}

void modules_open(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = n; i >= 2; i--) { /* right after package.preload */
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, search);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}
