/* orch.core.mask: secrets registered, texts masked. */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>
#include "error.h"
#include "mask.h"

/* The file of Lua on top goes where the stream goes now: whoever kept io.stdout
 * in a variable has the same object. */
static void redirect(lua_State *L, FILE *before[2]) {
  luaL_Stream *file = luaL_testudata(L, -1, LUA_FILEHANDLE);
  if (file && file->f == before[0]) file->f = stdout;
  if (file && file->f == before[1]) file->f = stderr;
  lua_pop(L, 1);
}

static void start(lua_State *L) {
  FILE *before[2];
  luaL_requiref(L, LUA_IOLIBNAME, luaopen_io, 0);
  if (!mask_streams(before))
    error_raise(L, "os", "cannot mask what is printed: %s", strerror(errno));
  lua_getfield(L, -1, "stdout");
  redirect(L, before);
  lua_getfield(L, -1, "stderr");
  redirect(L, before);
  lua_getfield(L, LUA_REGISTRYINDEX, "_IO_output"); /* as liolib.c names it */
  redirect(L, before);
  lua_pop(L, 1);
}

/* add(form): a text that is masked from now on, everywhere */
static int add(lua_State *L) {
  size_t size;
  const char *form = luaL_checklstring(L, 1, &size);
  if (!mask_any()) start(L);
  if (!mask_add(form, size)) return luaL_error(L, "not enough memory");
  return 0;
}

/* count() -> how many forms there are */
static int count(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mask_count());
  return 1;
}

/* forget(count): all but the oldest so many */
static int forget(lua_State *L) {
  mask_forget((size_t)luaL_checkinteger(L, 1));
  return 0;
}

void mask_text(lua_State *L) {
  size_t size, covered = 0;
  const char *text = lua_tolstring(L, -1, &size);
  luaL_Buffer buffer;
  struct mask_out out = {.text = luaL_buffinitsize(L, &buffer, size)};
  mask_run(text, size, false, &covered, &out);
  luaL_pushresultsize(&buffer, out.size);
  lua_remove(L, -2);
}

/* redact(text) -> text */
static int redact(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  if (mask_any()) mask_text(L);
  return 1;
}

static const luaL_Reg functions[] = {
    {"add", add},       {"count", count}, {"forget", forget},
    {"redact", redact}, {NULL, NULL},
};

int luaopen_orch_core_mask(lua_State *L);
int luaopen_orch_core_mask(lua_State *L) {
  luaL_newlib(L, functions);
  lua_pushinteger(L, MASK_SHORTEST);
  lua_setfield(L, -2, "SHORTEST");
  return 1;
}
