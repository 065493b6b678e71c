#ifndef ORCH_HTTP_URL_H
#define ORCH_HTTP_URL_H

#include <lua.h>

/* parse(url) -> table of scheme user password host port path query fragment, as
 * far as it has them, or nil and why not */
int http_url_parse(lua_State *L);

/* join(base, reference) -> absolute URL (RFC 3986), or nil and why not */
int http_url_join(lua_State *L);

#endif
