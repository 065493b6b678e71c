/* Which processes belong to a command. A process is a member when it is in the
 * command's process group, descends from a member, or carries the command's id
 * in ORCH_TREE. So one that made a session of its own and whose parent is gone
 * is still found, unless it has also cleared its environment. */
#ifndef ORCH_TREE_H
#define ORCH_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TREE_VARIABLE "ORCH_TREE"

/* Pids come back, a pid with its time of birth does not. */
struct tree_member {
  pid_t pid;
  unsigned long long born;
};

struct tree {
  pid_t leader;
  pid_t group;    /* 0: none of its own */
  const char *id; /* see supervisor_id */
  /* Who was seen outside of the group: remains a member when its parent goes,
   * and while it is exiting and has no environment any more. */
  struct tree_member *known;
  size_t known_count, known_capacity;
};

/* Sends `signal` (0: none) to the living members and returns how many there
 * are, the leader not counted. Looks at a list of processes that is not older
 * than `since_ns` (uv_hrtime), so that many trees can share one. */
int tree_signal(struct tree *tree, int signal, uint64_t since_ns);

void tree_forget(struct tree *tree);

#endif
