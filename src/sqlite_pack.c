/* Parameters on their way into packed bytes. */
#include <lauxlib.h>
#include <string.h>
#include "error.h"
#include "sqlite.h"

static void add_value(lua_State *L, struct buffer *buffer,
                      const struct packed_value *value) {
  char *to = buffer_reserve(L, buffer, packed_size(value));
  buffer->length = (size_t)(packed_write(to, value) - buffer->data);
}

static void add_text(lua_State *L, struct buffer *buffer, int index,
                     enum packed_tag tag) {
  struct packed_value value = {.tag = tag};
  value.bytes = lua_tolstring(L, index, &value.length);
  add_value(L, buffer, &value);
}

static bool has_metatable(lua_State *L, const char *name) {
  if (!lua_getmetatable(L, -1)) return false;
  luaL_getmetatable(L, name);
  bool same = lua_istable(L, -1) && lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

/* A blob is a table {bytes} with a metatable of ours. */
static bool add_blob(lua_State *L, struct buffer *buffer) {
  if (!has_metatable(L, SQLITE_BLOB_TYPE) && !has_metatable(L, SQLITE_DB_BLOB))
    return false;
  lua_rawgeti(L, -1, 1);
  add_text(L, buffer, -1, PACKED_BLOB);
  lua_pop(L, 1);
  return true;
}

static bool is_null(lua_State *L) {
  if (lua_isnil(L, -1)) return true;
  if (lua_islightuserdata(L, -1)) return !lua_touserdata(L, -1);
  lua_getfield(L, LUA_REGISTRYINDEX, SQLITE_DB_NULL);
  bool same = !lua_isnil(L, -1) && lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  return same;
}

/* The value on top is none: the library of orch.db has better words for it. The
 * name of the parameter is at `key`, if it has one. */
static void refuse(lua_State *L, const char *what, size_t i, int key) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, SQLITE_DB_CHECK) != LUA_TNIL) {
    lua_pushstring(L, what);
    if (key)
      lua_pushvalue(L, key);
    else
      lua_pushinteger(L, (lua_Integer)i);
    lua_pushvalue(L, -4);
    lua_call(L, 3, 0);
  }
  error_usage(L,
              "%s: parameter %d should be a number, a string, a boolean, "
              "a blob or nil, not a %s",
              what, (int)i, luaL_typename(L, -1));
}

/* The value on top. */
static void pack_value(lua_State *L, struct buffer *buffer, const char *what,
                       size_t i, int key) {
  struct packed_value value = {.tag = PACKED_NULL};
  int type = lua_type(L, -1);
  if (type == LUA_TSTRING) {
    add_text(L, buffer, -1, PACKED_TEXT);
    return;
  } else if (type == LUA_TTABLE && add_blob(L, buffer)) {
    return;
  } else if (type == LUA_TBOOLEAN || lua_isinteger(L, -1)) {
    value.tag = PACKED_INTEGER;
    value.integer = type == LUA_TBOOLEAN ? lua_toboolean(L, -1)
                                         : (int64_t)lua_tointeger(L, -1);
  } else if (type == LUA_TNUMBER) {
    value.tag = PACKED_FLOAT;
    value.number = lua_tonumber(L, -1);
    if (value.number != value.number)
      error_usage(L,
                  "%s: parameter %d is not a number (0/0), which SQLite "
                  "would store as NULL",
                  what, (int)i);
  } else if (!is_null(L)) {
    refuse(L, what, i, key);
  }
  add_value(L, buffer, &value);
}

/* The name of a parameter, with a mark in front. */
static void add_name(lua_State *L, struct buffer *buffer, int index) {
  lua_pushfstring(L, ":%s", lua_tostring(L, index));
  add_text(L, buffer, -1, PACKED_TEXT);
  lua_pop(L, 1);
}

static size_t count_of(lua_State *L, int index) {
  lua_pushliteral(L, "n");
  lua_rawget(L, index);
  size_t n = lua_rawlen(L, index);
  if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0)
    n = (size_t)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

static void add_count(lua_State *L, struct buffer *buffer, size_t n) {
  buffer_add(L, buffer, &n, sizeof n);
}

void pack_row(lua_State *L, struct buffer *buffer, int index,
              const char *what) {
  size_t n = count_of(L, index);
  add_count(L, buffer, n);
  for (size_t i = 1; i <= n; i++) {
    lua_rawgeti(L, index, (lua_Integer)i);
    pack_value(L, buffer, what, i, 0);
    lua_pop(L, 1);
  }
}

static void pack_named(lua_State *L, struct buffer *buffer, int index,
                       const char *what) {
  size_t n = 0, count = buffer->length;
  add_count(L, buffer, 0);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    int key = lua_gettop(L) - 1;
    if (lua_type(L, key) != LUA_TSTRING)
      error_usage(L,
                  "%s: the parameters have names and places; they are "
                  "either a list or by name",
                  what);
    add_name(L, buffer, key);
    pack_value(L, buffer, what, ++n, key);
    lua_pop(L, 1);
  }
  n |= PACKED_NAMED;
  memcpy(buffer->data + count, &n, sizeof n);
}

/* By name are those that have keys, and no place among them: `n` is a name,
 * too, unless it counts a list. */
static bool is_list(lua_State *L, int index) {
  if (lua_rawlen(L, index) > 0) return true;
  bool empty = true;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    empty = false;
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TNUMBER) continue;
    lua_pop(L, 1);
    return true;
  }
  return empty;
}

void pack_params(lua_State *L, struct buffer *buffer, int index,
                 const char *what) {
  luaL_checkstack(L, 10, NULL);
  if (lua_isnil(L, index))
    add_count(L, buffer, 0);
  else if (is_list(L, index))
    pack_row(L, buffer, index, what);
  else
    pack_named(L, buffer, index, what);
}

void pack_many(lua_State *L, struct buffer *buffer, int index, size_t first,
               size_t last, const char *what) {
  add_count(L, buffer, last - first + 1);
  for (size_t i = first; i <= last; i++) {
    if (lua_rawgeti(L, index, (lua_Integer)i) != LUA_TTABLE)
      error_usage(L,
                  "%s: item %d of the list should be a table of parameters, "
                  "not a %s",
                  what, (int)i, luaL_typename(L, -1));
    pack_params(L, buffer, lua_gettop(L), what);
    lua_pop(L, 1);
  }
}

void pack_batch(lua_State *L, struct buffer *buffer, int index) {
  size_t items = lua_rawlen(L, index);
  luaL_checkstack(L, 8, NULL);
  add_count(L, buffer, items);
  for (size_t i = 1; i <= items; i++) {
    lua_rawgeti(L, index, (lua_Integer)i);
    luaL_argexpected(L, lua_istable(L, -1), index, "list of {sql, rows}");
    int item = lua_gettop(L);
    lua_rawgeti(L, item, 1);
    lua_rawgeti(L, item, 2);
    luaL_argexpected(L, lua_type(L, -2) == LUA_TSTRING && lua_istable(L, -1),
                     index, "list of {sql, rows}");
    add_text(L, buffer, -2, PACKED_TEXT);
    size_t rows = lua_rawlen(L, -1);
    add_count(L, buffer, rows);
    for (size_t row = 1; row <= rows; row++) {
      lua_rawgeti(L, item + 2, (lua_Integer)row);
      luaL_argexpected(L, lua_istable(L, -1), index, "list of {sql, rows}");
      pack_row(L, buffer, lua_gettop(L), "sqlite.batch");
      lua_pop(L, 1);
    }
    lua_settop(L, item - 1);
  }
}
