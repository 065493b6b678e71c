/* What the methods of an Exchange share: one request and its answer as a Lua
 * value. */
#ifndef ORCH_HTTP_H
#define ORCH_HTTP_H

#include <lua.h>
#include "http_exchange.h"

#define EXCHANGE "orch.exchange"

enum { EXCHANGE_ANCHORS = 1 }; /* user value: what libcurl points into */

/* Argument 1; raises when it is closed, or has been sent already. */
struct exchange *http_check(lua_State *L);
struct exchange *http_check_not_started(lua_State *L);

/* Before it is sent: http_request.c */
int http_set_option(lua_State *L);
int http_headers(lua_State *L);
int http_resolve(lua_State *L);
int http_jar(lua_State *L);
int http_body(lua_State *L);
void http_set_method(struct exchange *exchange);

/* What waits: http_wait.c */
int http_send(lua_State *L);
int http_open(lua_State *L);
int http_read(lua_State *L);
int http_save(lua_State *L);
int http_feed(lua_State *L);

#endif
