/* Starting a program: vfork and exec with everything that ties the child to
 * us, in one call. Knows neither Lua nor the loop. */
#ifndef ORCH_SPAWN_H
#define ORCH_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct spawn {
  const char *file; /* a path; nobody searches PATH here */
  char *const *argv;
  char *const *envp;
  const char *cwd;        /* NULL: ours */
  int fd[3];              /* what becomes 0, 1 and 2; below 0: /dev/null */
  bool session;           /* leads a session and a process group of its own */
  bool dies;              /* is killed when this process dies */
  volatile pid_t *record; /* where the child notes its pid before exec */

  pid_t pid;
  int pidfd;          /* readable once the child has ended */
  const char *failed; /* what could not be done: "exec", "chdir", "spawn" */
};

/* Returns when the program runs: 0, or -errno with nothing left behind. Only
 * for the main thread: the tie to our life is one to the life of the thread. */
int spawn_start(struct spawn *spawn);

#endif
