/* orch.core.mask: secrets registered, texts masked. */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>
#include "error.h"
#include "mask.h"

static int leave(lua_State *L) {
  mask_leave(lua_touserdata(L, 1));
  return 0;
}

/* Keeps the two files of Lua for as long as they are joined: a script may
 * forget them. Whoever has io.stdout in a variable has the same object. */
void mask_open(lua_State *L) {
  static const char *const names[] = {"stdout", "stderr"};
  static const char key;
  struct mask_files *user = lua_newuserdatauv(L, sizeof *user, 2);
  memset(user, 0, sizeof *user);
  lua_getglobal(L, LUA_IOLIBNAME);
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, -1, names[i]);
    user->files[i] =
        &((luaL_Stream *)luaL_checkudata(L, -1, LUA_FILEHANDLE))->f;
    lua_setiuservalue(L, -3, i + 1);
  }
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, leave);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  mask_join(user);
}

/* add(form): a text that is masked from now on, everywhere */
static int add(lua_State *L) {
  size_t size;
  const char *form = luaL_checklstring(L, 1, &size);
  if (!mask_any() && !mask_streams())
    return error_raise(L, "os", "cannot mask what is printed: %s",
                       strerror(errno));
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
