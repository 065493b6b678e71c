/* A FIFO of waiting operations: what locks, events, queues and joins are built
 * on. Intrusive: waiting, waking and cancelling allocate nothing. */
#ifndef ORCH_PARK_H
#define ORCH_PARK_H

#include "op.h"

struct waiter {
  struct op op;
  struct waitq *queue; /* NULL once woken or cancelled */
  struct waiter *prev, *next;
};

struct waitq {
  struct waiter *first, *last;
};

void waitq_add(struct waitq *queue, struct waiter *waiter);

/* Takes the first waiter off the queue; its op has not ended yet. */
struct waiter *waitq_take(struct waitq *queue);

/* An op_kind's `cancel` for structs that begin with a waiter. */
void waiter_cancel(struct op *op);

/* Pushes the object that the queue of a waiting park op belongs to (a lock,
 * say), or nil. `co` is the coroutine that waits. For task trees. */
void park_push_owner(lua_State *L, lua_State *co, struct op *op);

int luaopen_orch_core_park(lua_State *L);

#endif
