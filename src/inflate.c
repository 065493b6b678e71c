/* orch.core.inflate, a plug-in: what zlib has compressed, in pieces. Memory is
 * bounded by the pieces that are asked for, never by what the data claims. */
#include "error.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#define INFLATE_TYPE "orch.inflate"
#define MOST (1 << 20) /* bytes of one piece */

int luaopen_orch_core_inflate(lua_State *L);

struct source {
  z_stream z; /* its input is the string in the user value */
  bool open, ended;
};

/* new() -> a stream of zlib's format (RFC 1950) */
static int new (lua_State *L) {
  struct source *source = lua_newuserdatauv(L, sizeof *source, 1);
  memset(source, 0, sizeof *source);
  luaL_setmetatable(L, INFLATE_TYPE);
  if (inflateInit(&source->z) != Z_OK)
    return luaL_error(L, "not enough memory");
  source->open = true;
  return 1;
}

static struct source *check_open(lua_State *L) {
  struct source *source = luaL_checkudata(L, 1, INFLATE_TYPE);
  if (!source->open) error_usage(L, "inflate: the stream was closed");
  return source;
}

/* feed(bytes): what is read next; what was left of the last ones is lost */
static int feed(lua_State *L) {
  struct source *source = check_open(L);
  size_t length;
  const char *bytes = luaL_checklstring(L, 2, &length);
  luaL_argcheck(L, length <= INT32_MAX, 2, "over 2 GB");
  source->z.next_in = (z_const Bytef *)bytes;
  source->z.avail_in = (uInt)length;
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 1, 1);
  return 0;
}

/* take(n) -> at most n bytes; "" when it has to be fed; nil after the end */
static int take(lua_State *L) {
  struct source *source = check_open(L);
  lua_Integer wanted = luaL_checkinteger(L, 2);
  luaL_argcheck(L, wanted > 0 && wanted <= MOST, 2, "no size of a piece");
  if (source->ended) return 0;
  luaL_Buffer buffer;
  source->z.next_out = (Bytef *)luaL_buffinitsize(L, &buffer, (size_t)wanted);
  source->z.avail_out = (uInt)wanted;
  int code = inflate(&source->z, Z_NO_FLUSH);
  if (code == Z_MEM_ERROR) return luaL_error(L, "not enough memory");
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
    return error_raise(L, "format", "the compressed data is damaged: %s",
                       source->z.msg ? source->z.msg : "it needs a dictionary");
  source->ended = code == Z_STREAM_END;
  luaL_pushresultsize(&buffer, (size_t)wanted - source->z.avail_out);
  return 1;
}

static int close_source(lua_State *L) {
  struct source *source = luaL_checkudata(L, 1, INFLATE_TYPE);
  if (source->open) inflateEnd(&source->z);
  source->open = false;
  return 0;
}

static const luaL_Reg functions[] = {{"new", new}, {NULL, NULL}};

static const luaL_Reg methods[] = {
    {"feed", feed},         {"take", take},
    {"__gc", close_source}, {"__close", close_source},
    {NULL, NULL},
};

int luaopen_orch_core_inflate(lua_State *L) {
  luaL_newmetatable(L, INFLATE_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
