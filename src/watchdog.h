/* Notices a task that does not wait: a thread compares a heartbeat and signals
 * the main thread, whose handler sets a one-shot hook on the innermost running
 * coroutine. The hook prints the live traceback, or brings Ctrl-C. */
#ifndef ORCH_WATCHDOG_H
#define ORCH_WATCHDOG_H

#include <lua.h>
#include <stdint.h>

/* `slow_ms` 0 turns the report off; interrupts still work. */
int watchdog_open(uint64_t slow_ms);
void watchdog_close(void);
void watchdog_set_slow(uint64_t slow_ms);

extern lua_State *watchdog_running; /* written here, read by the thread */
extern uint64_t watchdog_beat;

/* A task takes a step: the heartbeat. */
static inline void watchdog_step(void) {
  __atomic_store_n(&watchdog_beat, watchdog_beat + 1, __ATOMIC_RELAXED);
}

/* Says which coroutine runs from now on (NULL: the loop); returns the one
 * before. A script's own coroutines are part of the same step. */
static inline lua_State *watchdog_enter(lua_State *co) {
  lua_State *outer = watchdog_running;
  __atomic_store_n(&watchdog_running, co, __ATOMIC_RELAXED);
  return outer;
}

#endif
