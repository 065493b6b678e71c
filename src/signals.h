/* Signals that end a run: the first cancels it and gives it the grace, a second
 * kills at once. SIGQUIT prints the task tree. */
#ifndef ORCH_SIGNALS_H
#define ORCH_SIGNALS_H

#include <stdbool.h>
#include <uv.h>

int signals_open(uv_loop_t *loop);
void signals_close(void);

/* Acts on what has arrived; called between two turns of the loop, and from the
 * watchdog's hook in a task that keeps the loop from turning. */
void signals_deliver(void);
bool signals_waiting(void);

/* Whether the run should long be over: it is stuck in a C function, or its
 * clean-up never waits. Async-signal-safe, like the end that then follows. */
bool signals_overdue(void);
void signals_kill(void);

/* The first signal that asked the run to end, or 0. */
int signals_interrupted(void);

/* How long a run has after the first one, before it is killed. */
extern uint64_t signals_grace_ms;

#endif
