/* The options of an exchange, from Lua values to libcurl's. */
#ifndef ORCH_HTTP_SETTING_H
#define ORCH_HTTP_SETTING_H

#include <lua.h>
#include "http_exchange.h"

/* What every exchange has. */
void http_set_defaults(struct exchange *exchange);

/* It may pause, or be answered before all of it has been sent. False: it must
 * not share a connection, and would. */
bool http_set_apart(struct exchange *exchange);

/* Arguments 2 and 3 are a name and its value; raises kind usage. */
void http_set(lua_State *L, struct exchange *exchange);

/* The same for options that are lists of lines; false: it is none of those. */
bool http_set_list(lua_State *L, struct exchange *exchange, const char *name);

/* Argument 2 is a list of lines, "Name: value" or "host:port:address". */
void http_set_headers(lua_State *L, struct exchange *exchange);
void http_set_resolve(lua_State *L, struct exchange *exchange);

#endif
