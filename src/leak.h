/* What a script forgot: a scope or lock that was never left, a failure that
 * nobody looked at. Told at the end of a run, and a test case's failure. */
#ifndef ORCH_LEAK_H
#define ORCH_LEAK_H

#include <lua.h>

/* Notes one sentence. */
void leak_note(lua_State *L, const char *fmt, ...);

/* leaks() -> list of sentences; empties it */
int leak_take(lua_State *L);

#endif
