/* print for scripts. */
#ifndef ORCH_PRINT_H
#define ORCH_PRINT_H

#include <lua.h>

/* Replaces the global. */
void print_open(lua_State *L);

/* At the end of a run: the exit code, changed where what was printed could not
 * be written. */
int print_close(int code);

#endif
