/* What require() finds: C modules, plug-ins beside the binary, and the embedded
 * Lua library (or the folder ORCH_LUA). */
#ifndef ORCH_MODULES_H
#define ORCH_MODULES_H

#include <lua.h>

/* Adds our searcher to package.searchers. */
void modules_open(lua_State *L);

/* A lua_CFunction: source("fs.path") -> the text of the module orch.fs.path, or
 * nothing. */
int modules_source(lua_State *L);

#endif
