/* From Lua's program, arguments and environment to what exec takes; and the
 * search in PATH. */
#ifndef ORCH_COMMAND_H
#define ORCH_COMMAND_H

#include <lua.h>
#include "spawn.h"

/* Reads file, argv (a list of strings), changes to the environment (a table of
 * name -> string, false to unset; or nil) and cwd (or nil) from the stack
 * indices 1 to 4. `id` is added to ORCH_TREE. Leaves on the stack what the
 * pointers in `spawn` need to stay alive. */
void command_read(lua_State *L, struct spawn *spawn, const char *id);

/* find(name, path, cwd) -> file | nil, "ENOENT"|"EACCES" */
int command_find(lua_State *L);

/* programs(path) -> list of the names of all files there */
int command_programs(lua_State *L);

#endif
