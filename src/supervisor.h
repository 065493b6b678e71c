/* What happens to our children when we are killed with SIGKILL: a second, tiny
 * process sees our end and kills every command that was running, its
 * grandchildren included. */
#ifndef ORCH_SUPERVISOR_H
#define ORCH_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A running command, in memory that the supervisor sees too: noting one costs
 * no system call. */
struct supervised {
  volatile pid_t pid;       /* 0: not started */
  volatile uint32_t serial; /* 0: a free slot */
  volatile bool grouped;    /* leads a process group of its own */
};

/* A free slot, with the supervisor running from the first call on. NULL: too
 * many commands at once, or no memory. */
struct supervised *supervisor_enter(bool grouped);
void supervisor_leave(struct supervised *slot);

/* "1234-5f3a.7": the command's id, the value in ORCH_TREE by which its
 * processes are known. Returns `text`. */
enum { SUPERVISOR_ID = 48 };
char *supervisor_id(const struct supervised *slot, char text[SUPERVISOR_ID]);

/* `orch --supervise`: 0 is a pipe that ends with orch, 1 the shared memory. */
int supervisor_main(void);

#endif
