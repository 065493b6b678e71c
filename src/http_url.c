/* URLs, by libcurl's parser: what it connects to is what we look at. */
#include "http_url.h"

#include <curl/curl.h>
#include <lauxlib.h>
#include "error.h"

#define URL_TYPE "orch.url"

static int collect(lua_State *L) {
  CURLU **url = lua_touserdata(L, 1);
  curl_url_cleanup(*url);
  *url = NULL;
  return 0;
}

static CURLU *new_url(lua_State *L) {
  CURLU **url = lua_newuserdatauv(L, sizeof *url, 0);
  *url = NULL;
  if (luaL_newmetatable(L, URL_TYPE)) {
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  *url = curl_url();
  if (*url == NULL) luaL_error(L, "not enough memory");
  return *url;
}

/* Frees what libcurl gave even when Lua has no memory for a copy. */
static int push_text(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

static bool push_part(lua_State *L, CURLU *url, CURLUPart part) {
  char *text = NULL;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return false;
  lua_pushcfunction(L, push_text);
  lua_pushlightuserdata(L, text);
  int status = lua_pcall(L, 1, 1, 0);
  curl_free(text);
  if (status != LUA_OK) lua_error(L);
  return true;
}

static CURLUcode set(CURLU *url, const char *text) {
  return curl_url_set(url, CURLUPART_URL, text,
                      CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE);
}

static const struct part {
  const char *name;
  CURLUPart part;
} parts[] = {
    {"scheme", CURLUPART_SCHEME},     {"user", CURLUPART_USER},
    {"password", CURLUPART_PASSWORD}, {"host", CURLUPART_HOST},
    {"port", CURLUPART_PORT},         {"path", CURLUPART_PATH},
    {"query", CURLUPART_QUERY},       {"fragment", CURLUPART_FRAGMENT},
};

int http_url_parse(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  CURLU *url = new_url(L);
  CURLUcode code = set(url, text);
  if (code != CURLUE_OK) {
    lua_pushnil(L);
    lua_pushstring(L, curl_url_strerror(code));
    return 2;
  }
  lua_createtable(L, 0, 8);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (push_part(L, url, parts[i].part)) lua_setfield(L, -2, parts[i].name);
  return 1;
}

int http_url_join(lua_State *L) {
  const char *base = luaL_checkstring(L, 1);
  const char *reference = luaL_checkstring(L, 2);
  CURLU *url = new_url(L);
  CURLUcode code = set(url, base);
  if (code == CURLUE_OK) code = set(url, reference);
  if (code == CURLUE_OK && push_part(L, url, CURLUPART_URL)) return 1;
  lua_pushnil(L);
  lua_pushstring(L, curl_url_strerror(code));
  return 2;
}
