/* Options that are lists of lines: headers, names, commands, addresses. Each is
 * a line of its own in the protocol, and libcurl checks nothing. */
#include "http_setting.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>
#include "error.h"

static const struct {
  const char *name;
  CURLoption option;
} lists[EXCHANGE_LISTS] = {
    {"quote", CURLOPT_QUOTE},
    {"prequote", CURLOPT_PREQUOTE},
    {"postquote", CURLOPT_POSTQUOTE},
    {"mail_rcpt", CURLOPT_MAIL_RCPT},
};

static bool add_line(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer) *list = longer;
  return longer != NULL;
}

static void add_lines(lua_State *L, const char *what, int index,
                      struct curl_slist **list) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  for (lua_Integer i = 1; i <= count; i++) {
    size_t size;
    lua_rawgeti(L, index, i);
    const char *line = luaL_checklstring(L, -1, &size);
    if (strlen(line) != size || strpbrk(line, "\r\n"))
      error_usage(L, "http: a %s has a line end or a NUL in it", what);
    if (!add_line(list, line)) luaL_error(L, "not enough memory");
    lua_pop(L, 1);
  }
}

bool http_set_list(lua_State *L, struct exchange *exchange, const char *name) {
  int i = 0;
  while (i < EXCHANGE_LISTS && strcmp(lists[i].name, name) != 0) i++;
  if (i == EXCHANGE_LISTS) return false;
  luaL_checktype(L, 3, LUA_TTABLE);
  add_lines(L, name, 3, &exchange->lists[i]);
  curl_easy_setopt(exchange->transfer.easy, lists[i].option,
                   exchange->lists[i]);
  return true;
}

void http_set_headers(lua_State *L, struct exchange *exchange) {
  luaL_checktype(L, 2, LUA_TTABLE);
  add_lines(L, "header", 2, &exchange->headers);
  /* libcurl goes on to take a host named here for the one that cookies belong
   * to, in later requests of the same handle as well. */
  for (struct curl_slist *line = exchange->headers; line; line = line->next)
    if (strncasecmp(line->data, "host:", 5) == 0) exchange->spoils = true;
}

void http_set_resolve(lua_State *L, struct exchange *exchange) {
  luaL_checktype(L, 2, LUA_TTABLE);
  add_lines(L, "name to resolve", 2, &exchange->resolve);
  exchange->spoils = true; /* what it has not read yet, it reads later */
}
