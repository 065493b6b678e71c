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

extern lua_State *volatile watchdog_running;
extern volatile uint64_t watchdog_beat;

/* Says which coroutine runs from now on (NULL: the loop); returns the one
 * before. Every call is a heartbeat. */
static inline lua_State *watchdog_enter(lua_State *co) {
  lua_State *outer = watchdog_running;
  watchdog_running = co;
  watchdog_beat++;
  return outer;
}

#endif
