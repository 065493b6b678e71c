/* Signals that end a run: the first cancels it and gives it the grace, a second
 * kills at once. SIGQUIT prints the task tree. */
#ifndef ORCH_SIGNALS_H
#define ORCH_SIGNALS_H

#include <uv.h>

int signals_open(uv_loop_t *loop);
void signals_close(void);

/* Acts on what has arrived; called between two turns of the loop. */
void signals_deliver(void);

/* The first signal that asked the run to end, or 0. */
int signals_interrupted(void);

/* How long a run has after the first one, before it is killed. */
extern uint64_t signals_grace_ms;

#endif
