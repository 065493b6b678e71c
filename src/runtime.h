/* The run: owns the loop and the Lua state, opens and closes them in mirror
 * order. The only uv_run(). */
#ifndef ORCH_RUNTIME_H
#define ORCH_RUNTIME_H

#include <lua.h>
#include <stdint.h>
#include <uv.h>

/* Runs `orch.cli` with these arguments in the root task; the exit code. */
int runtime_main(int argc, char **argv);

uv_loop_t *runtime_loop(void);

/* Pops an error and says it on stderr; for errors outside of any task. */
void runtime_report(lua_State *L, const char *doing);

/* clock_now, read once per turn of the loop: cheap, for reports only. */
uint64_t runtime_now(void);

/* Threads of the pool, as text for UV_THREADPOOL_SIZE. */
const char *runtime_pool_size(void);

/* A Lua state with the standard library, Error and the module loader, and
 * without a task: for worker threads. NULL: no memory. */
lua_State *runtime_new_state(void);

int luaopen_orch_core_runtime(lua_State *L);

#endif
