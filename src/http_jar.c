/* libcurl reaches the cookies of a share through an easy handle only: the jar
 * has one of its own. */
#include "http_jar.h"

#include <lauxlib.h>
#include "transfer.h"

#define JAR "orch.cookie_jar"

struct jar {
  CURLSH *share;
  CURL *easy;
};

static struct jar *check(lua_State *L, int index) {
  return luaL_checkudata(L, index, JAR);
}

CURLSH *http_jar_check(lua_State *L, int index) {
  return check(L, index)->share;
}

static int collect(lua_State *L) {
  struct jar *jar = lua_touserdata(L, 1);
  if (jar->easy) curl_easy_cleanup(jar->easy);
  if (jar->share) curl_share_cleanup(jar->share);
  *jar = (struct jar){0};
  return 0;
}

/* Frees what libcurl gave even when Lua has no memory for copies. */
static int push_lines(lua_State *L) {
  struct curl_slist *line = lua_touserdata(L, 1);
  lua_newtable(L);
  for (lua_Integer i = 1; line; i++, line = line->next) {
    lua_pushstring(L, line->data);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static int list(lua_State *L) {
  struct jar *jar = check(L, 1);
  struct curl_slist *lines = NULL;
  curl_easy_getinfo(jar->easy, CURLINFO_COOKIELIST, &lines);
  lua_pushcfunction(L, push_lines);
  lua_pushlightuserdata(L, lines);
  int status = lua_pcall(L, 1, 1, 0);
  curl_slist_free_all(lines);
  return status == LUA_OK ? 1 : lua_error(L);
}

static int add(lua_State *L) {
  curl_easy_setopt(check(L, 1)->easy, CURLOPT_COOKIELIST,
                   luaL_checkstring(L, 2));
  return 0;
}

static int clear(lua_State *L) {
  curl_easy_setopt(check(L, 1)->easy, CURLOPT_COOKIELIST, "ALL");
  return 0;
}

static const luaL_Reg methods[] = {
    {"list", list},    {"add", add}, {"clear", clear},
    {"__gc", collect}, {NULL, NULL},
};

int http_jar_new(lua_State *L) {
  struct jar *jar = lua_newuserdatauv(L, sizeof *jar, 0);
  *jar = (struct jar){0};
  if (luaL_newmetatable(L, JAR)) {
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, -2);
  jar->share = curl_share_init();
  jar->easy = curl_easy_init();
  if (!jar->share || !jar->easy) return luaL_error(L, "not enough memory");
  curl_share_setopt(jar->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
  curl_easy_setopt(jar->easy, CURLOPT_SHARE, jar->share);
  return 1;
}
