/* What may be said about a request before it is sent. */
#include "http.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "http_jar.h"
#include "http_setting.h"

/* set(name, value) */
int http_set_option(lua_State *L) {
  http_set(L, http_check_not_started(L));
  return 0;
}

/* headers{"Name: value", ...} */
int http_headers(lua_State *L) {
  http_set_headers(L, http_check_not_started(L));
  return 0;
}

/* resolve{"host:port:address", ...}: instead of asking DNS */
int http_resolve(lua_State *L) {
  http_set_resolve(L, http_check_not_started(L));
  return 0;
}

/* Keeps the value at `index` as long as the exchange. */
static void anchor(lua_State *L, int index) {
  if (lua_getiuservalue(L, 1, EXCHANGE_ANCHORS) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, EXCHANGE_ANCHORS);
  }
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* jar(Jar): takes cookies from there and puts them there */
int http_jar(lua_State *L) {
  struct exchange *exchange = http_check_not_started(L);
  CURLSH *share = http_jar_check(L, 2);
  anchor(L, 2);
  exchange->spoils = true; /* its cookie engine stays on */
  curl_easy_setopt(exchange->transfer.easy, CURLOPT_SHARE, share);
  /* A share alone does not switch its cookie engine on; NULL: no file. */
  curl_easy_setopt(exchange->transfer.easy, CURLOPT_COOKIEJAR, NULL);
  return 0;
}

static lua_Integer field(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  lua_Integer value = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return value;
}

/* A string, or {path=, offset=, size=}, on top of the stack. A thread may go on
 * reading for a moment when Lua has let go of the string: hence the copy. */
static void fill_segment(lua_State *L, struct segment *segment, bool copies) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t size;
    segment->data = lua_tolstring(L, -1, &size);
    segment->size = size;
    if (!copies || size == 0) return;
    segment->data = segment->copy = malloc(size);
    if (segment->copy == NULL) luaL_error(L, "not enough memory");
    memcpy(segment->copy, lua_tostring(L, -1), size);
    return;
  }
  luaL_checktype(L, -1, LUA_TTABLE);
  segment->offset = (uint64_t)field(L, "offset");
  segment->size = (uint64_t)field(L, "size");
  lua_getfield(L, -1, "path");
  segment->path = strdup(luaL_checkstring(L, -1));
  if (segment->path == NULL) luaL_error(L, "not enough memory");
  lua_pop(L, 1);
}

/* body(string), body{segment, ...} or body(nil): chunks come by `feed` */
int http_body(lua_State *L) {
  struct exchange *exchange = http_check_not_started(L);
  struct source *source = &exchange->source;
  source->by_chunks = lua_isnil(L, 2);
  if (source->by_chunks) return 0;
  bool single = lua_type(L, 2) == LUA_TSTRING;
  if (!single) luaL_checktype(L, 2, LUA_TTABLE);
  size_t count = single ? 1 : lua_rawlen(L, 2);
  anchor(L, 2);
  if (!source_open(source, count)) return luaL_error(L, "not enough memory");
  for (size_t i = 0; i < count; i++) {
    if (single)
      lua_pushvalue(L, 2);
    else
      lua_rawgeti(L, 2, (lua_Integer)i + 1);
    fill_segment(L, &source->segments[i], source->blocks);
    source->total += source->segments[i].size;
    lua_pop(L, 1);
  }
  return 0;
}

enum { SHARES = 16 << 10 }; /* bytes of a body on a shared connection */

static bool has_body(const struct exchange *exchange) {
  return exchange->source.by_chunks || exchange->source.segments;
}

static bool expects_body(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
         strcmp(method, "PATCH") == 0;
}

/* Servers may insist on a length (411) where a body is usual. */
static void say_empty(struct exchange *exchange) {
  struct curl_slist *longer =
      curl_slist_append(exchange->headers, "Content-Length: 0");
  if (longer) exchange->headers = longer;
}

void http_set_method(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  bool http = strncasecmp(exchange->url, "http", 4) == 0;
  curl_off_t size =
      exchange->source.by_chunks ? -1 : (curl_off_t)exchange->source.total;
  /* After TLS 1.3, libcurl's close of an FTP data connection becomes a reset
   * (of the session tickets that it has not read), and the server loses the
   * end of the file. */
  if (strncasecmp(exchange->url, "ftp", 3) == 0)
    curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                     CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2);
  if (!has_body(exchange)) {
    if (strcmp(exchange->method, "HEAD") == 0)
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(exchange->method, "GET") != 0)
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
    if (expects_body(exchange->method)) say_empty(exchange);
  } else if (http) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
  } else {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
  }
  if (size < 0 || size > SHARES) http_set_apart(exchange);
  if (size > 1 << 20)
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
}
