/* Cookie jars: what the requests of one client share. */
#ifndef ORCH_HTTP_JAR_H
#define ORCH_HTTP_JAR_H

#include <curl/curl.h>
#include <lua.h>

/* jar() -> Jar, with list() -> lines of Netscape's format, add(line) (also a
 * "Set-Cookie: " header) and clear() */
int http_jar_new(lua_State *L);
CURLSH *http_jar_check(lua_State *L, int index);

#endif
