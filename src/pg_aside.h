/* A thread for a call that may block for ever and cannot be interrupted (DNS,
 * PQcancel): its end need not be awaited. Whoever gives up on it abandons it,
 * and the thread then cleans up by itself, whenever that may be. */
#ifndef ORCH_PG_ASIDE_H
#define ORCH_PG_ASIDE_H

struct aside;

struct aside_call {
  void (*run)(void *data);    /* on the thread */
  void (*drop)(void *data);   /* frees `data`: on the thread or the loop's */
  void (*ended)(void *owner); /* on the loop's, `data` still there; not after
                                 aside_abandon */
  void *data, *owner;
};

/* NULL: no memory or no thread; `data` is the caller's then. */
struct aside *aside_start(const struct aside_call *call);
void aside_abandon(struct aside *aside);

#endif
