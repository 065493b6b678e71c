/* The tree of scopes: who owns which tasks, what is cancelled and why. Pure
 * bookkeeping in C memory: nothing here allocates or calls Lua, so that it
 * may run in loop callbacks. What Lua sees is in scopes.c. */
#ifndef ORCH_SCOPE_H
#define ORCH_SCOPE_H

#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "op.h"

struct task;
struct scope_limits;

/* Why a scope was cancelled. */
enum cause {
  CAUSE_NONE,
  CAUSE_CANCEL,    /* task:cancel or scope:cancel: a Lua value says why */
  CAUSE_FAILURE,   /* a child or the body failed */
  CAUSE_DEADLINE,  /* the scope's own timeout */
  CAUSE_BODY_DONE, /* a daemon whose scope's body has ended */
  CAUSE_DEADLOCK,
  CAUSE_ALARM,  /* the run's or the test's own time limit */
  CAUSE_SIGNAL, /* Ctrl-C and friends */
  CAUSE_EXIT,   /* os.exit */
};

struct scope {
  struct scope *parent; /* the next one outwards; NULL for the root */
  struct scope *inner;  /* the one that the same task opened within it */
  struct scope *todo;   /* work list of scope_spread */
  struct task *owner;   /* whose body it is part of */

  struct task *first, *last;               /* live children, oldest first */
  struct task *failed_first, *failed_last; /* ended with an error, in order */
  uint32_t live;                           /* children, daemons included */
  uint32_t daemons;

  struct op join; /* the owner, waiting until `live` is below `cap` */
  uint32_t cap;

  enum cause cause; /* its own; an outer one shows in `effective` only */
  bool effective;   /* checkpoints inside raise Cancelled */
  bool shield;      /* what is outside does not reach in (until the grace) */
  bool collect;     /* a failing child does not cancel the others */
  bool late; /* a time limit of its own is over, whatever cancelled it first */
  bool lost; /* a child was cancelled by this scope or an outer one */
  bool body_failed_first;
  bool open;                   /* only for those of a script; see scopelib.c */
  bool timed_out;              /* the deadline came before any failure */
  struct scope_limits *limits; /* NULL: no deadline, no shield */
};

/* Only scopes that a script opened have these. */
struct scope_limits {
  struct scope *scope;
  struct timer deadline;
  struct timer grace; /* runs once a cancellation has hit the shield */
  uint64_t grace_ns;
  double timeout; /* seconds, for the message */
  bool has_deadline;
};

/* Opens `scope` (zeroed but for `shield`, `collect` and `limits`) inside
 * `owner`, within its innermost scope. */
void scope_enter(struct scope *scope, struct task *owner);

/* Takes it out of its owner's chain, wherever it stands in it; scopes within it
 * that were never closed stay and hang on the next one outwards. */
void scope_exit(struct scope *scope);

/* Hands its live children and failures to the next scope outwards and takes it
 * out: for a scope that was never closed. */
void scope_abandon(struct scope *scope);

/* Cancels it and everything inside that no shield protects. The first cause
 * stays. */
void scope_cancel(struct scope *scope, enum cause cause);

void scope_add_child(struct scope *scope, struct task *task);
void scope_child_ended(struct scope *scope, struct task *task);

/* The body has ended, with an error of its own or not: cancels the daemons or
 * everybody. */
void scope_body_ended(struct scope *scope, bool failed);

/* The nearest scope outwards, this one included, that was itself cancelled and
 * is why `scope` is. */
struct scope *scope_culprit(struct scope *scope);

/* Whether it is cancelled and a time limit is over, its own or one further out
 * that no shield keeps off. */
bool scope_is_late(const struct scope *scope);

/* Open scopes with a deadline: while there are any, each checkpoint looks at
 * the clock, because the loop need not have turned since it passed. The
 * watchdog reads it from its thread. */
extern uint32_t scope_deadlines;
void scope_count_deadlines(int change);

/* Default for shields; set by --grace. */
extern uint64_t scope_default_grace_ns;

#endif
