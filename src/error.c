/* Error and Cancelled: tables with metatables kept in the registry. Nothing
 * here knows about tasks; works in every Lua state. */
#include "error.h"

#include "mask.h"
#include "traceback.h"

#include <lauxlib.h>
#include <string.h>
#include <uv.h>

static const char error_key = 'E'; /* registry keys: their addresses */
static const char cancelled_key = 'C';

#define ORCH_CHUNK "=orch/" /* our own Lua code: hidden in tracebacks */
#define TRACE_LEVELS 40

static void push_metatable(lua_State *L, const char *key) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
}

static bool has_metatable(lua_State *L, int index, const char *key) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
    return false;
  push_metatable(L, key);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

bool error_is_error(lua_State *L, int index) {
  return has_metatable(L, index, &error_key) ||
         has_metatable(L, index, &cancelled_key);
}

bool error_is_cancelled(lua_State *L, int index) {
  return has_metatable(L, index, &cancelled_key);
}

/* tostring(err): the message alone, one human sentence. */
static int error_tostring(lua_State *L) {
  lua_settop(L, 1);
  if (lua_type(L, 1) == LUA_TTABLE) {
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
  } else {
    lua_pushnil(L);
  }
  if (lua_isnil(L, -1)) lua_pushliteral(L, "an error without a message");
  luaL_tolstring(L, -1, NULL);
  return 1;
}

/* err .. "text" and "text" .. err */
static int error_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* err:match(...), err:find(...): the string methods, on the message. */
static int string_method(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  lua_replace(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int error_index(lua_State *L) {
  if (lua_getglobal(L, "string") != LUA_TTABLE) return 0;
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TFUNCTION) return 0;
  lua_pushcclosure(L, string_method, 1);
  return 1;
}

static const luaL_Reg metamethods[] = {
    {"__tostring", error_tostring},
    {"__concat", error_concat},
    {"__index", error_index},
    {NULL, NULL},
};

static void make_metatable(lua_State *L, const char *key, const char *name) {
  luaL_newlib(L, metamethods);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void error_open(lua_State *L) {
  make_metatable(L, &error_key, "Error");
  make_metatable(L, &cancelled_key, "Cancelled");
}

static void set_metatable(lua_State *L, const char *key) {
  push_metatable(L, key);
  lua_setmetatable(L, -2);
}

void error_push(lua_State *L, const char *kind, const char *fmt, ...) {
  va_list args;
  luaL_checkstack(L, 8, "error");
  lua_createtable(L, 0, 6);
  lua_pushstring(L, kind);
  lua_setfield(L, -2, "kind");
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  lua_setfield(L, -2, "message");
  set_metatable(L, &error_key);
}

void error_push_where(lua_State *L, lua_State *co) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(co, level, &ar); level++) {
    lua_getinfo(co, "Sl", &ar);
    if (ar.currentline <= 0) continue;
    if (strncmp(ar.source, ORCH_CHUNK, sizeof ORCH_CHUNK - 1) == 0) continue;
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    return;
  }
  lua_pushliteral(L, "?");
}

/* Secrets never appear in an Error: its message may go anywhere. */
static void hide_secrets(lua_State *L) {
  lua_pushliteral(L, "message");
  if (lua_rawget(L, -2) != LUA_TSTRING) {
    lua_pop(L, 1);
    return;
  }
  mask_text(L);
  lua_pushliteral(L, "message");
  lua_insert(L, -2);
  lua_rawset(L, -3);
}

/* Sets `traceback` and `where` on the Error on top unless it has them. */
static void locate(lua_State *L) {
  luaL_checkstack(L, 8, "error");
  lua_pushliteral(L, "traceback");
  bool located = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 1);
  if (located) return;
  if (mask_any()) hide_secrets(L);
  traceback_push(L, L, 0);
  lua_setfield(L, -2, "traceback");
  lua_pushliteral(L, "where");
  located = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 1);
  if (located) return;
  error_push_where(L, L);
  lua_setfield(L, -2, "where");
}

int error_throw(lua_State *L) {
  if (error_is_error(L, -1) && !error_is_cancelled(L, -1)) locate(L);
  return lua_error(L);
}

int error_raise(lua_State *L, const char *kind, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  error_push(L, kind, "%s", lua_tostring(L, -1));
  return error_throw(L);
}

int error_usage(lua_State *L, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  error_push(L, "usage", "%s", lua_tostring(L, -1));
  return error_throw(L);
}

int error_os(lua_State *L, const char *doing, const char *path, int status) {
  if (status == UV_ENOMEM) return luaL_error(L, "not enough memory");
  if (path)
    error_push(L, "os", "cannot %s '%s': %s", doing, path, uv_strerror(status));
  else
    error_push(L, "os", "cannot %s: %s", doing, uv_strerror(status));
  lua_pushstring(L, uv_err_name(status));
  lua_setfield(L, -2, "code");
  if (path) {
    lua_pushstring(L, path);
    lua_setfield(L, -2, "path");
  }
  return error_throw(L);
}

void error_normalize(lua_State *L) {
  luaL_checkstack(L, 8, "error");
  if (lua_type(L, -1) == LUA_TTABLE) {
    if (!lua_getmetatable(L, -1))
      set_metatable(L, &error_key);
    else
      lua_pop(L, 1);
    return;
  }
  luaL_tolstring(L, -1, NULL);
  error_push(L, "error", "%s", lua_tostring(L, -1));
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "cause");
  lua_replace(L, -3);
  lua_pop(L, 1);
}

int error_handler(lua_State *L) {
  if (lua_type(L, 1) == LUA_TTABLE && !error_is_cancelled(L, 1)) {
    bool plain = !lua_getmetatable(L, 1);
    lua_settop(L, 1);
    if (plain) set_metatable(L, &error_key);
    if (error_is_error(L, 1)) locate(L);
    return 1;
  }
  if (error_is_cancelled(L, 1)) return 1;
  error_normalize(L);
  locate(L);
  return 1;
}

void error_push_cancelled(lua_State *L, const char *reason) {
  luaL_checkstack(L, 8, "error");
  lua_createtable(L, 0, 4);
  lua_pushliteral(L, "cancelled");
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, reason);
  lua_setfield(L, -2, "reason");
  lua_pushfstring(L, "cancelled: %s", reason);
  lua_setfield(L, -2, "message");
  set_metatable(L, &cancelled_key);
}

void error_suppress(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_pushliteral(L, "suppressed");
  if (lua_rawget(L, index) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 1, 0);
    lua_pushliteral(L, "suppressed");
    lua_pushvalue(L, -2);
    lua_rawset(L, index);
  }
  lua_insert(L, -2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}
