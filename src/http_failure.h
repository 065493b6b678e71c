/* Raises what went wrong with an exchange. */
#ifndef ORCH_HTTP_FAILURE_H
#define ORCH_HTTP_FAILURE_H

#include <lua.h>
#include "http_exchange.h"

/* Argument 1 is the Lua function that makes and raises the Error, with kind,
 * method, url, detail, phase, received, expected or nil, sent, seconds,
 * status or nil, words of the system or nil. */
int http_raise_with(lua_State *L);

/* Raises kind network, tls, http, timeout or os; never returns. */
int http_raise(lua_State *L, struct exchange *exchange);

#endif
