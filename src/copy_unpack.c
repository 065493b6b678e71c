/* The other end of copy.c: the bytes are our own, so nothing is checked. */
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>
#include "copy.h"
#include "copy_format.h"
#include "error.h"

struct unpack {
  lua_State *L;
  const char *at;
  int met;
  uint32_t count;
};

static void take(struct unpack *u, void *to, size_t size) {
  memcpy(to, u->at, size);
  u->at += size;
}

static void remember(struct unpack *u) {
  lua_pushvalue(u->L, -1);
  lua_rawseti(u->L, u->met, ++u->count);
}

static void take_table(struct unpack *u) {
  lua_State *L = u->L;
  struct copy_table head;
  take(u, &head, sizeof head);
  lua_createtable(L, (int)head.items, (int)head.fields);
  if (head.kind == KIND_ERROR) error_normalize(L);
  if (head.kind == KIND_ARRAY) {
    luaL_newmetatable(L, COPY_JSON_ARRAY);
    lua_setmetatable(L, -2);
  }
  remember(u);
}

static void take_function(struct unpack *u) {
  lua_State *L = u->L;
  struct copy_function head;
  take(u, &head, sizeof head);
  const char *captures = u->at;
  u->at += head.captures;
  if (luaL_loadbufferx(L, u->at, head.size, "=copy", "b") != LUA_OK)
    lua_error(L);
  u->at += head.size;
  for (unsigned i = 0; i < head.captures; i++) {
    if (captures[i] == CAPTURE_ITSELF)
      lua_pushvalue(L, -1);
    else
      lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_setupvalue(L, -2, (int)i + 1);
  }
  remember(u);
}

/* Pushes the next value; false at the end of a table. */
static bool take_value(struct unpack *u) {
  lua_State *L = u->L;
  lua_Integer integer;
  lua_Number real;
  uint32_t number;
  size_t size;
  switch ((enum tag) * u->at++) {
  case TAG_NIL:
    lua_pushnil(L);
    return true;
  case TAG_FALSE:
    lua_pushboolean(L, false);
    return true;
  case TAG_TRUE:
    lua_pushboolean(L, true);
    return true;
  case TAG_INTEGER:
    take(u, &integer, sizeof integer);
    lua_pushinteger(L, integer);
    return true;
  case TAG_FLOAT:
    take(u, &real, sizeof real);
    lua_pushnumber(L, real);
    return true;
  case TAG_STRING:
    take(u, &size, sizeof size);
    lua_pushlstring(L, u->at, size);
    u->at += size;
    return true;
  case TAG_NULL:
    lua_pushlightuserdata(L, NULL);
    return true;
  case TAG_TABLE:
    take_table(u);
    return true;
  case TAG_FUNCTION:
    take_function(u);
    return true;
  case TAG_AGAIN:
    take(u, &number, sizeof number);
    lua_rawgeti(L, u->met, number);
    return true;
  case TAG_END:
    break;
  }
  return false;
}

/* The contents of the table on top. */
static void take_contents(struct unpack *u) {
  lua_State *L = u->L;
  uint32_t items;
  take(u, &items, sizeof items);
  for (lua_Integer i = 1; i <= items; i++) {
    take_value(u);
    lua_rawseti(L, -2, i);
  }
  while (take_value(u)) {
    take_value(u);
    lua_rawset(L, -3);
  }
}

int copy_unpack(lua_State *L, const char *data) {
  struct unpack u = {.L = L, .at = data};
  uint32_t values;
  take(&u, &values, sizeof values);
  luaL_checkstack(L, (int)values + 10, "too many values to copy");
  lua_newtable(L);
  u.met = lua_gettop(L);
  for (uint32_t i = 0; i < values; i++) take_value(&u);
  for (uint32_t number = 1; number <= u.count; number++) {
    if (lua_rawgeti(L, u.met, number) == LUA_TTABLE) take_contents(&u);
    lua_pop(L, 1);
  }
  lua_remove(L, u.met);
  return (int)values;
}
