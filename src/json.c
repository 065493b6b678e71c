/* orch.core.json: decode(text, big_floats) and encode(value, sorted, indent).
 * lua-cjson builds what it does not damage, json_read.c the rest. */
#include "json.h"

#include <lauxlib.h>
#include <lua-cjson.h>
#include "error.h"
#include "json_scan.h"

int luaopen_orch_core_json(lua_State *L);

/* cjson counts bytes in ints. */
#define CJSON_MAX_LENGTH (1u << 29)

static int raise_fault(lua_State *L, const struct json_scan *scan) {
  size_t line, column;
  json_position(scan->text, scan->at, &line, &column);
  error_push(L, "json", "line %d, column %d: %s", (int)line, (int)column,
             scan->fault);
  lua_pushinteger(L, (lua_Integer)line);
  lua_setfield(L, -2, "line");
  lua_pushinteger(L, (lua_Integer)column);
  lua_setfield(L, -2, "column");
  return error_throw(L);
}

static int json_decode(lua_State *L) {
  struct json_scan scan = {0};
  lua_settop(L, 2);
  scan.text = luaL_checklstring(L, 1, &scan.length);
  scan.big_floats = lua_toboolean(L, 2);
  if (!json_scan(&scan)) return raise_fault(L, &scan);
  if ((scan.flags & JSON_DELICATE) || scan.length > CJSON_MAX_LENGTH) {
    json_read(L, scan.text, scan.length);
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  if (scan.flags & JSON_NUMBERS) json_restore(L);
  return 1;
}

static int json_encode(lua_State *L) {
  struct json_style style = {
      .sorted = lua_toboolean(L, 2),
      .indent = (int)luaL_optinteger(L, 3, 0),
  };
  json_write(L, 1, &style);
  return 1;
}

/* json.null prints as "null". It is the only light userdata that scripts meet;
 * they all share one metatable. */
static int print_light(lua_State *L) {
  if (lua_touserdata(L, 1))
    lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
  else
    lua_pushliteral(L, "null");
  return 1;
}

static void name_null(lua_State *L) {
  lua_pushlightuserdata(L, NULL);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, print_light);
  lua_setfield(L, -2, "__tostring");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

/* Pushes the `decode` of a cjson that refuses NaN and nests as deep as we do.
 */
static void push_cjson_decode(lua_State *L) {
  lua_pushcfunction(L, luaopen_cjson);
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "decode_max_depth");
  lua_pushinteger(L, JSON_MAX_DEPTH);
  lua_call(L, 1, 0);
  lua_getfield(L, -1, "decode_invalid_numbers");
  lua_pushboolean(L, false);
  lua_call(L, 1, 0);
  lua_getfield(L, -1, "decode");
  lua_remove(L, -2);
}

/* version() -> cjson's */
static int version(lua_State *L) {
  lua_pushcfunction(L, luaopen_cjson);
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "_VERSION");
  return 1;
}

int luaopen_orch_core_json(lua_State *L) {
  lua_createtable(L, 0, 5);
  lua_pushcfunction(L, version);
  lua_setfield(L, -2, "version");
  push_cjson_decode(L);
  lua_pushcclosure(L, json_decode, 1);
  lua_setfield(L, -2, "decode");
  lua_pushcfunction(L, json_encode);
  lua_setfield(L, -2, "encode");
  luaL_newmetatable(L, JSON_ARRAY); /* its __name is the registry's */
  lua_setfield(L, -2, "array");
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  name_null(L);
  return 1;
}
