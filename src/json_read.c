/* Builds Lua values from text that json_scan has accepted, so nothing is
 * checked twice. [] becomes a marked table, null the light userdata NULL (as
 * in cjson). Recursion ends at JSON_MAX_DEPTH. */
#include "json.h"

#include <lauxlib.h>
#include <string.h>
#include "json_scan.h"

struct reader {
  const char *at;
  char *scratch; /* for strings with escapes; as long as the text */
};

static void skip_space(struct reader *r) {
  while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')
    r->at++;
}

static unsigned hex4(const char *s) {
  unsigned value = 0;
  for (int i = 0; i < 4; i++)
    value =
        value * 16 + (unsigned)(s[i] <= '9' ? s[i] - '0' : (s[i] | 32) - 87);
  return value;
}

static char *put_utf8(char *to, unsigned c) {
  if (c < 0x80) {
    *to++ = (char)c;
    return to;
  }
  int tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  *to++ = (char)((0xFF00 >> (tail + 1)) | (c >> (6 * tail)));
  while (tail-- > 0) *to++ = (char)(0x80 | ((c >> (6 * tail)) & 0x3F));
  return to;
}

/* `at` is at the backslash. */
static char *read_escape(struct reader *r, char *to) {
  static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
  char c = r->at[1];
  if (c != 'u') {
    const char *found = strchr(from, c);
    *to = found ? into[found - from] : c;
    r->at += 2;
    return to + 1;
  }
  unsigned unit = hex4(r->at + 2);
  r->at += 6;
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    unit = 0x10000 + ((unit - 0xD800) << 10) + (hex4(r->at + 2) - 0xDC00);
    r->at += 6;
  }
  return put_utf8(to, unit);
}

static void read_string(lua_State *L, struct reader *r) {
  const char *start = ++r->at, *s = start;
  while (*s != '"' && *s != '\\') s++;
  r->at = s;
  if (*s == '"') {
    r->at++;
    lua_pushlstring(L, start, (size_t)(s - start));
    return;
  }
  char *to = r->scratch;
  r->at = start;
  while (*r->at != '"') {
    if (*r->at == '\\')
      to = read_escape(r, to);
    else
      *to++ = *r->at++;
  }
  r->at++;
  lua_pushlstring(L, r->scratch, (size_t)(to - r->scratch));
}

static void read_number(lua_State *L, struct reader *r) {
  size_t length = strspn(r->at, "0123456789+-.eE");
  int64_t integer;
  double real;
  if (json_number(r->at, length, &integer, &real) == JSON_INTEGER)
    lua_pushinteger(L, integer);
  else
    lua_pushnumber(L, real);
  r->at += length;
}

static void read_value(lua_State *L, struct reader *r);

static void read_array(lua_State *L, struct reader *r) {
  lua_Integer n = 0;
  lua_newtable(L);
  r->at++;
  skip_space(r);
  if (*r->at == ']') luaL_setmetatable(L, JSON_ARRAY);
  while (*r->at != ']') {
    read_value(L, r);
    lua_rawseti(L, -2, ++n);
    skip_space(r);
    if (*r->at == ',') r->at++;
  }
  r->at++;
}

/* A name that stands twice keeps its last value. */
static void read_object(lua_State *L, struct reader *r) {
  lua_newtable(L);
  r->at++;
  skip_space(r);
  while (*r->at != '}') {
    read_string(L, r);
    skip_space(r);
    r->at++;
    read_value(L, r);
    lua_rawset(L, -3);
    skip_space(r);
    if (*r->at != ',') continue;
    r->at++;
    skip_space(r);
  }
  r->at++;
}

static void read_value(lua_State *L, struct reader *r) {
  luaL_checkstack(L, 5, "JSON nested too deeply");
  skip_space(r);
  switch (*r->at) {
  case '{':
    read_object(L, r);
    break;
  case '[':
    read_array(L, r);
    break;
  case '"':
    read_string(L, r);
    break;
  case 't':
    lua_pushboolean(L, true);
    r->at += 4;
    break;
  case 'f':
    lua_pushboolean(L, false);
    r->at += 5;
    break;
  case 'n':
    lua_pushlightuserdata(L, NULL);
    r->at += 4;
    break;
  default:
    read_number(L, r);
  }
}

void json_read(lua_State *L, const char *text, size_t length) {
  struct reader r = {.at = text, .scratch = NULL};
  if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) r.at += 3;
  if (memchr(text, '\\', length))
    r.scratch = lua_newuserdatauv(L, length, 0);
  else
    lua_pushnil(L);
  read_value(L, &r);
  lua_remove(L, -2);
}

/* A float that cjson made of an integer. */
static bool is_whole(lua_State *L, int index, lua_Integer *integer) {
  if (lua_type(L, index) != LUA_TNUMBER) return false;
  lua_Number real = lua_tonumber(L, index);
  return lua_numbertointeger(real, integer) && (lua_Number)*integer == real;
}

static void restore_table(lua_State *L) {
  lua_Integer integer;
  int table = lua_gettop(L);
  luaL_checkstack(L, 6, "JSON nested too deeply");
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -1) == LUA_TTABLE) {
      restore_table(L);
    } else if (is_whole(L, -1, &integer)) {
      lua_pushvalue(L, -2);
      lua_pushinteger(L, integer);
      lua_rawset(L, table);
    }
  }
}

void json_restore(lua_State *L) {
  lua_Integer integer;
  if (lua_type(L, -1) == LUA_TTABLE) {
    restore_table(L);
  } else if (is_whole(L, -1, &integer)) {
    lua_pushinteger(L, integer);
    lua_replace(L, -2);
  }
}
