/* Cancellation walks a tree of scopes and tasks with a work list threaded
 * through the scopes themselves, so a tree of any depth needs no C stack. */
#include "scope.h"

#include "task.h"

uint64_t scope_default_grace_ns = 10000000000u;
uint32_t scope_deadlines;

static void spread(struct scope *scope);

static void on_grace_over(struct timer *timer) {
  struct scope_limits *limits =
      (struct scope_limits *)((char *)timer -
                              offsetof(struct scope_limits, grace));
  struct scope *scope = limits->scope;
  scope->shield = false;
  if (scope->parent && scope->parent->effective) spread(scope);
}

/* A cancellation from outside has met the shield: it holds for the grace. */
static void shield_hit(struct scope *scope) {
  struct scope_limits *limits = scope->limits;
  if (limits->grace.slot || limits->grace_ns == CLOCK_NEVER) return;
  uint64_t now = clock_now();
  limits->grace.fire = on_grace_over;
  if (clock_start(&limits->grace, now + limits->grace_ns) != 0)
    scope->shield = false; /* no memory for a timer: no shield */
}

/* Marks one task's scopes from `scope` inwards, puts its children's bodies at
 * the end of the work list and interrupts what the task waits for. Returns the
 * new end of the list. */
static struct scope *spread_in_task(struct scope *scope, struct scope *end) {
  for (struct scope *at = scope; at; at = at->inner) {
    if (at != scope && at->shield) {
      shield_hit(at);
      if (at->shield) return end;
    }
    at->effective = true;
    for (struct task *child = at->first; child; child = child->next) {
      if (child->body.effective) continue;
      end->todo = &child->body;
      end = &child->body;
    }
  }
  if (scope->owner->op) op_cancel(scope->owner->op);
  return end;
}

static void spread(struct scope *scope) {
  struct scope *end = scope;
  while (scope) {
    end = spread_in_task(scope, end);
    struct scope *next = scope->todo;
    scope->todo = NULL;
    scope = next;
  }
}

void scope_cancel(struct scope *scope, enum cause cause) {
  if (scope->cause == CAUSE_NONE) scope->cause = cause;
  if (cause == CAUSE_DEADLINE || cause == CAUSE_ALARM) scope->late = true;
  if (!scope->effective) spread(scope);
}

bool scope_is_late(const struct scope *scope) {
  for (; scope && scope->effective; scope = scope->parent)
    if (scope->late) return true;
  return false;
}

struct scope *scope_culprit(struct scope *scope) {
  for (; scope; scope = scope->parent)
    if (scope->cause != CAUSE_NONE) return scope;
  return NULL;
}

void scope_count_deadlines(int change) {
  __atomic_fetch_add(&scope_deadlines, change, __ATOMIC_RELAXED);
}

void scope_enter(struct scope *scope, struct task *owner) {
  struct scope *outer = owner->scope;
  scope->owner = owner;
  scope->parent = outer;
  outer->inner = scope;
  owner->scope = scope;
  if (!outer->effective) return;
  if (scope->shield) shield_hit(scope);
  scope->effective = !scope->shield;
}

void scope_exit(struct scope *scope) {
  struct task *owner = scope->owner;
  if (scope->inner)
    scope->inner->parent = scope->parent;
  else
    owner->scope = scope->parent;
  scope->parent->inner = scope->inner;
  if (scope->limits) {
    if (scope->limits->has_deadline) scope_count_deadlines(-1);
    clock_stop(&scope->limits->deadline);
    clock_stop(&scope->limits->grace);
  }
}

void scope_add_child(struct scope *scope, struct task *task) {
  task->parent = scope;
  task->prev = scope->last;
  task->next = NULL;
  if (scope->last)
    scope->last->next = task;
  else
    scope->first = task;
  scope->last = task;
  scope->live++;
  if (task->flags & TASK_DAEMON) scope->daemons++;
  task->body.parent = scope;
  if (scope->effective) task->body.effective = true;
}

static void remove_child(struct scope *scope, struct task *task) {
  if (task->prev)
    task->prev->next = task->next;
  else
    scope->first = task->next;
  if (task->next)
    task->next->prev = task->prev;
  else
    scope->last = task->prev;
  task->prev = task->next = NULL;
  scope->live--;
  if (task->flags & TASK_DAEMON) scope->daemons--;
}

static void add_failure_to(struct scope *scope, struct task *task) {
  task->next = NULL;
  if (scope->failed_last)
    scope->failed_last->next = task;
  else
    scope->failed_first = task;
  scope->failed_last = task;
}

void scope_abandon(struct scope *scope) {
  struct scope *outer = scope->parent;
  struct task *next;
  for (struct task *child = scope->first; child; child = next) {
    next = child->next;
    scope_add_child(outer, child);
    if (outer->effective) spread(&child->body);
  }
  for (struct task *child = scope->failed_first; child; child = next) {
    next = child->next;
    add_failure_to(outer, child);
  }
  scope->open = false; /* whoever still holds it gets an error */
  scope_exit(scope);
}

static void add_failure(struct scope *scope, struct task *task) {
  add_failure_to(scope, task);
  if (!scope->collect) scope_cancel(scope, CAUSE_FAILURE);
}

void scope_child_ended(struct scope *scope, struct task *task) {
  remove_child(scope, task);
  if (task->outcome == OUTCOME_ERROR && !(task->flags & TASK_HOLD))
    add_failure(scope, task);
  /* Cancelled by somebody who asked for this very task: nothing is lost. */
  if (task->outcome == OUTCOME_CANCELLED && task->body.cause == CAUSE_NONE)
    scope->lost = true;
  uint32_t counted = scope->live - (scope->cap ? scope->daemons : 0);
  uint32_t cap = scope->cap ? scope->cap : 1;
  if (scope->join.task && !scope->join.done && counted < cap)
    op_done(&scope->join);
}

void scope_body_ended(struct scope *scope, bool failed) {
  if (failed) {
    scope->body_failed_first = !scope->failed_first;
    scope_cancel(scope, CAUSE_FAILURE);
    return;
  }
  struct task *next;
  for (struct task *child = scope->first; child; child = next) {
    next = child->next;
    if (child->flags & TASK_DAEMON) scope_cancel(&child->body, CAUSE_BODY_DONE);
  }
}
