/* orch.core.archive, a plug-in: the list of calls, and how far one is. */
#include "archive_common.h"

#include <lauxlib.h>
#include <locale.h>
#include <string.h>

#define METER "orch.archive.meter"

struct meter *meter_check(lua_State *L, int index) {
  return luaL_checkudata(L, index, METER);
}

void meter_set(struct meter *meter, int64_t done, int64_t total) {
  pthread_mutex_lock(&meter->lock);
  meter->done = done;
  meter->total = total;
  pthread_mutex_unlock(&meter->lock);
}

void meter_add(struct meter *meter, int64_t bytes) {
  pthread_mutex_lock(&meter->lock);
  meter->done += bytes;
  pthread_mutex_unlock(&meter->lock);
}

void meter_name(struct meter *meter, const char *name) {
  size_t size = strlen(name), room = sizeof meter->name - 1;
  if (size > room) name += size - room;
  while (size > room && ((unsigned char)*name & 0xC0) == 0x80) name++;
  pthread_mutex_lock(&meter->lock);
  strcpy(meter->name, name);
  pthread_mutex_unlock(&meter->lock);
}

/* meter() -> what one operation is given to tell how far it is */
static int new_meter(lua_State *L) {
  struct meter *meter = lua_newuserdatauv(L, sizeof *meter, 0);
  memset(meter, 0, sizeof *meter);
  pthread_mutex_init(&meter->lock, NULL);
  luaL_setmetatable(L, METER);
  return 1;
}

/* meter:look() -> bytes done, bytes altogether, the entry in work */
static int meter_look(lua_State *L) {
  struct meter *meter = meter_check(L, 1), now;
  pthread_mutex_lock(&meter->lock);
  memcpy(&now, meter, sizeof now);
  pthread_mutex_unlock(&meter->lock);
  lua_pushinteger(L, now.done);
  lua_pushinteger(L, now.total);
  lua_pushstring(L, now.name);
  return 3;
}

static int meter_drop(lua_State *L) {
  pthread_mutex_destroy(&meter_check(L, 1)->lock);
  return 0;
}

static locale_t utf8;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static void make_utf8(void) {
  utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

void archive_in_utf8(void) {
  pthread_once(&utf8_once, make_utf8);
  if (utf8) uselocale(utf8);
}

/* version() -> libarchive's */
static int version(lua_State *L) {
  lua_pushstring(L, archive_version_details());
  return 1;
}

static const luaL_Reg functions[] = {
    {"version", version}, {"meter", new_meter},
    {"pack", pack_call},  {"extract", extract_call},
    {"read", pick_call},  {"reader", reader_new},
    {NULL, NULL},
};

static const luaL_Reg meter_methods[] = {
    {"look", meter_look},
    {"__gc", meter_drop},
    {NULL, NULL},
};

int luaopen_orch_core_archive(lua_State *L) {
  luaL_newmetatable(L, METER);
  luaL_setfuncs(L, meter_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  reader_open(L);
  luaL_newlib(L, functions);
  return 1;
}
