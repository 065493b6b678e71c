/* Time: one monotonic clock, one heap of timers, one uv_timer. Virtual time for
 * tests lives here and nowhere else. */
#ifndef ORCH_CLOCK_H
#define ORCH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define CLOCK_NEVER UINT64_MAX

/* Embedded in whoever waits; stopped before its memory goes. */
struct timer {
  uint64_t due_ns;
  uint64_t order; /* equal times fire in the order they were started */
  uint32_t slot;  /* in the heap, counted from 1; 0: not started */
  void (*fire)(struct timer *timer); /* on the loop's thread; no Lua */
};

int clock_open(uv_loop_t *loop);
void clock_close(void);

/* Nanoseconds, monotonic, live (not the loop's cached time); virtual when a
 * test has set it so. */
uint64_t clock_now(void);

/* Fires at `due_ns` (clock_now's scale), never early. 0, or UV_ENOMEM. */
int clock_start(struct timer *timer, uint64_t due_ns);
void clock_stop(struct timer *timer);

/* Fires what is due, for when the loop does not turn; whether there is any,
 * for any thread (in virtual time there never is). */
void clock_fire(void);
bool clock_is_due(void);

/* Virtual time: from now on only clock_advance moves the clock. */
void clock_set_virtual(bool on);
bool clock_is_virtual(void);
void clock_advance(uint64_t ns);

/* Virtual only: jumps to the next timer and fires it. False: no timer. */
bool clock_jump(void);

/* When the next timer is due; CLOCK_NEVER: there is none. */
uint64_t clock_next(void);

/* Timers that have not fired. */
uint32_t clock_pending(void);

/* Seconds (a Lua number, possibly infinite) from now as a due time. */
uint64_t clock_due(double seconds);

#endif
