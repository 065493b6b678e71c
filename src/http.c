/* orch.core.http: HTTP over libcurl for wire.lua. */
#include <lauxlib.h>

int luaopen_orch_core_http(lua_State *L);
int luaopen_orch_core_http(lua_State *L) {
  lua_newtable(L);
  return 1;
}
