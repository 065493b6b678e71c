/* orch.core.mask: secrets registered, texts masked. */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
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

/* ---- texts that come in pieces ---- */

#define MASKER "orch.masker"

/* What may be the beginning of a secret waits here for the next piece. */
struct masker {
  char *held;
  size_t size, capacity;
  size_t covered;
};

static struct masker *check_masker(lua_State *L) {
  return luaL_checkudata(L, 1, MASKER);
}

static void hold(lua_State *L, struct masker *masker, const char *text,
                 size_t size) {
  size_t needed = masker->size + size;
  if (needed > masker->capacity) {
    char *held = realloc(masker->held, needed);
    if (!held) luaL_error(L, "not enough memory");
    masker->held = held;
    masker->capacity = needed;
  }
  if (size > 0) memcpy(masker->held + masker->size, text, size);
  masker->size = needed;
}

/* Pushes what can be said of what is held. */
static void let_go(lua_State *L, struct masker *masker, bool more) {
  luaL_Buffer buffer;
  size_t size = masker->size, done = 0;
  struct mask_out out = {.text = luaL_buffinitsize(L, &buffer, size)};
  if (size > 0)
    done = mask_run(masker->held, size, more, &masker->covered, &out);
  masker->size -= done;
  if (masker->size > 0)
    memmove(masker->held, masker->held + done, masker->size);
  luaL_pushresultsize(&buffer, out.size);
}

/* The text on top, and how many of its bytes are whole lines. */
static int push_whole(lua_State *L) {
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  const char *end = memrchr(text, '\n', size);
  lua_pushinteger(L, end ? end + 1 - text : 0);
  return 2;
}

/* masker:add(text) -> text, bytes of it that are whole lines */
static int masker_add(lua_State *L) {
  struct masker *masker = check_masker(L);
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  lua_settop(L, 2);
  if (masker->size > 0 || masker->covered > 0 || mask_any()) {
    hold(L, masker, text, size);
    let_go(L, masker, true);
  }
  return push_whole(L);
}

/* masker:finish() -> the rest: nothing follows */
static int masker_finish(lua_State *L) {
  let_go(L, check_masker(L), false);
  return 1;
}

static int masker_drop(lua_State *L) {
  struct masker *masker = check_masker(L);
  free(masker->held);
  *masker = (struct masker){0};
  return 0;
}

/* stream() -> masker */
static int stream(lua_State *L) {
  static const luaL_Reg methods[] = {{"add", masker_add},
                                     {"finish", masker_finish},
                                     {"__gc", masker_drop},
                                     {NULL, NULL}};
  struct masker *masker = lua_newuserdatauv(L, sizeof *masker, 0);
  *masker = (struct masker){0};
  if (luaL_newmetatable(L, MASKER)) {
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, -2);
  return 1;
}

static const luaL_Reg functions[] = {
    {"add", add},       {"count", count},   {"forget", forget},
    {"redact", redact}, {"stream", stream}, {NULL, NULL},
};

int luaopen_orch_core_mask(lua_State *L);
int luaopen_orch_core_mask(lua_State *L) {
  luaL_newlib(L, functions);
  lua_pushinteger(L, MASK_SHORTEST);
  lua_setfield(L, -2, "SHORTEST");
  return 1;
}
