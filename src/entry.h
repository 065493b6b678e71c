/* What the operations on one entry of the file system share: entry.c looks,
 * change.c changes. Each is one trip of a few system calls. */
#ifndef ORCH_ENTRY_H
#define ORCH_ENTRY_H

#include "fault.h"
#include "folder.h"
#include "op.h"

struct entry_op {
  struct op_work work;
  struct fault fault;
  const char *path, *other; /* Lua strings of the call */
  bool flag;                /* what it means is said at each function */
  int number;
  bool answer;
  struct stat info;
  struct folder folder;
  char *text; /* ours: a link's target, a temporary path */
};

#define ENTRY_KIND(what, push)                                                 \
  {                                                                            \
    .name = "fs." what, .size = sizeof(struct entry_op), .result = push,       \
    .cancel = op_work_cancel, .drop = entry_drop                               \
  }

/* Frees what an entry_op owns: every kind's `drop`, or part of it. */
void entry_drop(struct op *op);

/* A new op of `kind` with these fields that runs on the pool: the last thing a
 * primitive does. */
int entry_start(lua_State *L, const struct op_kind *kind, const char *path,
                const char *other, bool flag, int number,
                void (*run)(struct op_work *));

/* The result that is entry->answer. */
int entry_push_answer(lua_State *L, struct op *op);

#endif
