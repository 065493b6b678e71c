/* Which processes belong to a command. A process is a member when it is in the
 * command's process group, descends from a member, or carries the command's id
 * in ORCH_TREE. So one that made a session of its own and whose parent is gone
 * is still found, unless it has also cleared its environment. */
#ifndef ORCH_TREE_H
#define ORCH_TREE_H

#include <stdint.h>
#include <sys/types.h>

#define TREE_VARIABLE "ORCH_TREE"

struct tree {
  pid_t leader;
  pid_t group;    /* 0: none of its own */
  const char *id; /* see supervisor_id */
};

/* Sends `signal` (0: none) to the living members and returns how many there
 * are, the leader not counted. Looks at a list of processes that is not older
 * than `since_ns` (uv_hrtime), so that many trees can share one. */
int tree_signal(const struct tree *tree, int signal, uint64_t since_ns);

#endif
