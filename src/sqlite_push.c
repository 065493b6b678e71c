/* Rows on their way out of packed bytes, as Lua values. */
#include <lauxlib.h>
#include "sqlite.h"

/* Pushes a value; false, and nothing, for a NULL that is left out. */
static bool push_value(lua_State *L, const struct packed_value *value,
                       int null) {
  switch (value->tag) {
  case PACKED_INTEGER:
    lua_pushinteger(L, value->integer);
    return true;
  case PACKED_FLOAT:
    lua_pushnumber(L, value->number);
    return true;
  case PACKED_TEXT:
  case PACKED_BLOB:
    lua_pushlstring(L, value->bytes, value->length);
    return true;
  default:
    if (null == 0) return false;
    lua_pushvalue(L, null);
    return true;
  }
}

/* Pushes one string per column: the keys of the rows. */
static void push_names(lua_State *L, const struct query *query) {
  const char *from = query->names.data;
  luaL_checkstack(L, query->columns + 8, "a result with too many columns");
  for (int i = 0; i < query->columns; i++) {
    struct packed_value name;
    from = packed_read(from, &name);
    lua_pushlstring(L, name.bytes, name.length);
  }
}

static const char *push_row(lua_State *L, const struct query *query,
                            const char *from, int names, int null) {
  int columns = query->columns;
  lua_createtable(L, query->named ? 0 : columns, query->named ? columns : 0);
  for (int i = 0; i < columns; i++) {
    struct packed_value value;
    from = packed_read(from, &value);
    if (query->named) lua_pushvalue(L, names + i);
    if (!push_value(L, &value, null))
      lua_settop(L, lua_gettop(L) - (query->named ? 1 : 0));
    else if (query->named)
      lua_rawset(L, -3);
    else
      lua_rawseti(L, -2, i + 1);
  }
  return from;
}

void pack_push_rows(lua_State *L, const struct query *query, int null) {
  const char *from = query->out.data;
  luaL_checkstack(L, 8, NULL);
  lua_createtable(L, query->rows < 1 << 20 ? (int)query->rows : 0, 0);
  int list = lua_gettop(L), names = list + 1;
  push_names(L, query);
  for (uint64_t row = 1; row <= query->rows; row++) {
    from = push_row(L, query, from, names, null);
    lua_rawseti(L, list, (lua_Integer)row);
  }
  lua_createtable(L, query->columns, 0);
  lua_insert(L, names);
  for (int i = query->columns; i >= 1; i--) lua_rawseti(L, names, i);
}

void pack_push_first(lua_State *L, const struct query *query) {
  int names = lua_gettop(L) + 1;
  push_names(L, query);
  push_row(L, query, query->out.data, names, 0);
}

void pack_push_value(lua_State *L, const struct query *query) {
  struct packed_value value;
  packed_read(query->out.data, &value);
  if (!push_value(L, &value, 0)) lua_pushnil(L);
}

void pack_push_names(lua_State *L, const struct query *query) {
  const char *from = query->names.data, *end = from + query->names.length;
  lua_newtable(L);
  for (lua_Integer i = 1; from < end; i++) {
    struct packed_value name;
    from = packed_read(from, &name);
    if (name.tag == PACKED_NULL)
      lua_pushboolean(L, false);
    else
      lua_pushlstring(L, name.bytes, name.length);
    lua_rawseti(L, -2, i);
  }
}
