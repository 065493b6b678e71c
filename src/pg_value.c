/* Values between Lua and libpq. Everything goes as text, both ways: the server
 * works out the types of parameters, and reading digits costs nothing beside a
 * trip to a server. Only blobs go as they are. */
#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "pg.h"

/* Of the server's catalogue, pg_type.dat: they never change. */
enum type {
  BOOL = 16,
  BYTEA = 17,
  INT8 = 20,
  INT2 = 21,
  INT4 = 23,
  OID = 26,
  JSON = 114,
  FLOAT4 = 700,
  FLOAT8 = 701,
  NUMERIC = 1700,
  JSONB = 3802,
};

char pg_null_key, pg_blob_key;

/* ---- parameters ---- */

static int wrong(lua_State *L, int i, int names, const char *problem) {
  if (lua_istable(L, names) && lua_rawgeti(L, names, i) == LUA_TSTRING)
    return error_usage(L, "db: parameter :%s %s", lua_tostring(L, -1), problem);
  return error_usage(L, "db: parameter %d %s", i, problem);
}

/* The fewest digits that are read as the same number again. */
static void write_float(char *digits, size_t room, double number) {
  if (isnan(number))
    snprintf(digits, room, "NaN");
  else if (isinf(number))
    snprintf(digits, room, number > 0 ? "Infinity" : "-Infinity");
  else
    for (int precision = 15; precision <= 17; precision++) {
      snprintf(digits, room, "%.*g", precision, number);
      if (strtod(digits, NULL) == number) break;
    }
}

/* A value that is neither text nor a number: true when it is null. */
static bool read_other(lua_State *L, struct pg_params *params, int i,
                       int names) {
  int value = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pg_null_key);
  bool null = lua_isnil(L, value) || lua_rawequal(L, value, -1) ||
              (lua_islightuserdata(L, value) &&
               lua_touserdata(L, value) == NULL); /* json.null */
  lua_pop(L, 1);
  if (null) return true;
  bool blob = lua_istable(L, value) && lua_getmetatable(L, value);
  if (blob) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &pg_blob_key);
    blob = lua_rawequal(L, -1, -2);
  }
  lua_settop(L, value);
  if (!blob)
    wrong(
        L, i, names,
        lua_istable(L, value)
            ? "is a table, which no column holds: use json.encode(t), or "
              "db.blob(bytes) for bytes"
            : "should be a string, a number, a boolean, db.null or a db.blob");
  size_t length;
  lua_rawgeti(L, value, 1);
  params->values[i - 1] = luaL_checklstring(L, -1, &length);
  params->lengths[i - 1] = (int)length;
  params->formats[i - 1] = 1;
  return false;
}

/* The value on top of the stack. */
static void read_param(lua_State *L, struct pg_params *params, int i, int names,
                       char *digits) {
  size_t length;
  params->values[i - 1] = digits;
  params->formats[i - 1] = 0;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING:
    params->values[i - 1] = lua_tolstring(L, -1, &length);
    if (memchr(params->values[i - 1], '\0', length))
      wrong(L, i, names,
            "has a NUL byte, which no text in PostgreSQL can hold: use db.blob "
            "and a bytea");
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, -1))
      length =
          (size_t)snprintf(digits, 32, LUA_INTEGER_FMT, lua_tointeger(L, -1));
    else
      write_float(digits, 32, lua_tonumber(L, -1)), length = strlen(digits);
    break;
  case LUA_TBOOLEAN:
    length = (size_t)snprintf(digits, 32, "%s",
                              lua_toboolean(L, -1) ? "true" : "false");
    break;
  default:
    if (read_other(L, params, i, names)) params->values[i - 1] = NULL;
    return;
  }
  params->lengths[i - 1] = (int)length;
  if (length > INT32_MAX) wrong(L, i, names, "is longer than 2 GB");
}

static int count_of(lua_State *L, int index) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  if (lua_getfield(L, index, "n") == LUA_TNUMBER) count = lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (count < 0 || count > 65535)
    error_usage(L, "db: a statement takes at most 65535 parameters");
  return (int)count;
}

void pg_read_params(lua_State *L, struct pg_params *params, int index,
                    int names) {
  params->count = lua_istable(L, index) ? count_of(L, index) : 0;
  params->values = params->few_values;
  params->lengths = params->few_lengths;
  params->formats = params->few_formats;
  char(*digits)[32] = params->few_digits;
  size_t count = (size_t)params->count;
  if (count > PG_FEW) { /* stays on the stack until they are sent */
    char *room = lua_newuserdatauv(
        L, count * (sizeof *digits + sizeof(char *) + 2 * sizeof(int)), 0);
    params->values = (const char **)(void *)room;
    params->lengths = (int *)(params->values + count);
    params->formats = params->lengths + count;
    digits = (char(*)[32])(params->formats + count);
  }
  for (int i = 1; i <= params->count; i++) {
    lua_rawgeti(L, index, i);
    int top = lua_gettop(L);
    read_param(L, params, i, names, digits[i - 1]);
    lua_settop(L, top - 1); /* the list keeps it */
  }
}

/* ---- results ---- */

static int digit_of(char c) {
  return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* `\x0a0b`, or the older spelling `\012` with `\\`. */
static void push_bytes(lua_State *L, const char *text, size_t length) {
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, length + 1);
  size_t size = 0;
  if (length >= 2 && text[0] == '\\' && text[1] == 'x') {
    for (size_t i = 2; i + 1 < length; i += 2)
      out[size++] = (char)(digit_of(text[i]) << 4 | digit_of(text[i + 1]));
  } else {
    for (size_t i = 0; i < length; i++) {
      if (text[i] != '\\') {
        out[size++] = text[i];
      } else if (i + 3 < length && isdigit((unsigned char)text[i + 1])) {
        out[size++] = (char)((text[i + 1] - '0') << 6 |
                             (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
        i += 3;
      } else {
        out[size++] = text[++i];
      }
    }
  }
  luaL_pushresultsize(&buffer, size);
}

static bool push_integer(lua_State *L, const char *text, size_t length) {
  const char *at = text + (*text == '-'), *end = text + length;
  if (at == end || end - at > 19) return false;
  uint64_t value = 0, most = INT64_MAX;
  for (; at < end; at++) {
    if (*at < '0' || *at > '9') return false;
    value = value * 10 + (uint64_t)(*at - '0'); /* 19 digits fit */
  }
  if (value > most + (*text == '-')) return false;
  if (*text == '-') value = 0 - value;
  lua_pushinteger(L, (lua_Integer)value);
  return true;
}

void pg_push_value(lua_State *L, const PGresult *result, int row, int column) {
  if (PQgetisnull(result, row, column)) {
    lua_pushnil(L);
    return;
  }
  const char *text = PQgetvalue(result, row, column);
  size_t length = (size_t)PQgetlength(result, row, column);
  switch ((enum type)PQftype(result, column)) {
  case BOOL:
    lua_pushboolean(L, *text == 't');
    return;
  case FLOAT4:
  case FLOAT8:
    lua_pushnumber(L, strtod(text, NULL));
    return;
  case BYTEA:
    push_bytes(L, text, length);
    return;
  case INT2:
  case INT4:
  case INT8:
  case OID:
  case NUMERIC:
    if (push_integer(L, text, length)) return;
    break;
  default:
    break;
  }
  lua_pushlstring(L, text, length);
}

int pg_push_names(lua_State *L, const PGresult *result) {
  int columns = PQnfields(result), first = lua_gettop(L) + 1;
  luaL_checkstack(L, columns + 8, "too many columns");
  for (int i = 0; i < columns; i++) lua_pushstring(L, PQfname(result, i));
  return first;
}

/* A table by the names at `names` and above; null is nil. */
void pg_push_row(lua_State *L, const PGresult *result, int row, int names) {
  int columns = PQnfields(result);
  lua_createtable(L, 0, columns);
  for (int i = 0; i < columns; i++) {
    lua_pushvalue(L, names + i);
    pg_push_value(L, result, row, i);
    lua_rawset(L, -3);
  }
}

/* The names of the columns that hold JSON, or nil. */
void pg_push_json_columns(lua_State *L, const PGresult *result) {
  lua_Integer n = 0;
  for (int i = 0; i < PQnfields(result); i++) {
    if (PQftype(result, i) != JSON && PQftype(result, i) != JSONB) continue;
    if (n == 0) lua_newtable(L);
    lua_pushstring(L, PQfname(result, i));
    lua_rawseti(L, -2, ++n);
  }
  if (n == 0) lua_pushnil(L);
}
