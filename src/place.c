/* The debug API has no name for a function under pcall(string.gsub, ...), so
 * frames are looked up in the standard libraries themselves. */
#include "place.h"

#include <lauxlib.h>
#include <string.h>
#include "error.h"

static const struct {
  const char *name, *way_out;
} places[] = {
    {"string.gsub", "collect the matches first, then wait for each"},
    {"table.sort", "fetch what the comparator needs first, then sort"},
    {"tostring", "a __tostring method must answer at once"},
    {"string.format", "a __tostring method must answer at once"},
    {"print", "a __tostring method must answer at once"},
    {"load", "read the chunk first, then load it"},
    {"table.concat", "build the list first, then concatenate it"},
    {"coroutine.close", "close it where its clean-up need not wait"},
};

static const char *const libraries[] = {"string", "table", "coroutine", "utf8",
                                        "os",     "io",    "debug"};

/* Pushes the dotted name of the C function on top, if it is a library's. */
static bool push_name_in(lua_State *L, const char *library,
                         const char *prefix) {
  bool found = false;
  int function = lua_gettop(L);
  if (luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE) &&
      lua_getfield(L, -1, library) == LUA_TTABLE) {
    lua_pushnil(L);
    while (!found && lua_next(L, -2)) {
      if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, function)) {
        lua_pushfstring(L, "%s%s", prefix, lua_tostring(L, -2));
        found = true;
      } else {
        lua_pop(L, 1);
      }
    }
  }
  if (found) lua_replace(L, function);
  lua_settop(L, function);
  return found;
}

static bool push_library_name(lua_State *L) {
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    luaL_checkstack(L, 8, NULL);
    const char *prefix = lua_pushfstring(L, "%s.", libraries[i]);
    lua_insert(L, -2);
    bool found = push_name_in(L, libraries[i], prefix);
    lua_remove(L, -2);
    if (found) return true;
  }
  return push_name_in(L, "_G", "");
}

/* These may be yielded across: they are not in the way. */
static bool may_wait(const char *name) {
  return strcmp(name, "pcall") == 0 || strcmp(name, "xpcall") == 0 ||
         strcmp(name, "coroutine.resume") == 0 || strcmp(name, "dofile") == 0 ||
         strcmp(name, "require") == 0;
}

static const char *way_out(const char *name) {
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (strcmp(places[i].name, name) == 0) return places[i].way_out;
  return "do the waiting before or after that call";
}

/* Pushes "file:line" of the first script line at `level` or further out. */
static void push_line(lua_State *L, int level) {
  lua_Debug ar;
  for (; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0 && strncmp(ar.source, "=orch/", 6) != 0) {
      lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
      return;
    }
  }
  lua_pushliteral(L, "?");
}

int place_raise(lua_State *L, const char *name) {
  lua_Debug ar;
  luaL_checkstack(L, 12, NULL);
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sf", &ar);
    if (*ar.what == 'C' && push_library_name(L)) {
      const char *place = lua_tostring(L, -1);
      if (!may_wait(place)) {
        push_line(L, level);
        return error_usage(L, "%s was called inside %s (%s); %s", name, place,
                           lua_tostring(L, -1), way_out(place));
      }
    }
    lua_pop(L, 1);
  }
  push_line(L, 0);
  return error_usage(L,
                     "%s was called where Lua cannot wait (%s): a finalizer, a "
                     "message handler, coroutine.close or another C function; "
                     "do it outside",
                     name, lua_tostring(L, -1));
}
