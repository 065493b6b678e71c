/* vfork + exec. The child shares our memory until it execs, so a failure there
 * comes back in `struct spawn` and costs no pipe. It runs on a stack of its own
 * and makes nothing but system calls. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "descriptors.h"

enum { STACK = 64 << 10 };

struct start {
  struct spawn *spawn;
  sigset_t mask;
  pid_t parent;
  int null;
  volatile int error;
};

/* Handlers of ours must not run in the child, whose memory is ours; ignored
 * signals stay ignored (nohup), except those that only we ignore. */
static void reset_signals(const sigset_t *mask) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL) continue;
    bool ours = number == SIGPIPE || number == SIGXFSZ;
    if (action.sa_handler == SIG_IGN && !ours) continue;
    action.sa_handler = SIG_DFL;
    action.sa_flags = 0;
    sigaction(number, &action, NULL);
  }
  sigprocmask(SIG_SETMASK, mask, NULL);
}

/* A descriptor of ours may be one of 0, 1, 2 itself: all are moved out of the
 * way before the first is put in place. */
static bool place_descriptors(const struct start *start) {
  int fd[3];
  for (int i = 0; i < 3; i++) {
    fd[i] = start->spawn->fd[i];
    if (fd[i] < 0) fd[i] = start->null;
    if (fd[i] != i && fd[i] < 3) fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 3);
    if (fd[i] < 0) return false;
  }
  for (int i = 0; i < 3; i++) {
    if (fd[i] == i ? fcntl(i, F_SETFD, 0) < 0 : dup2(fd[i], i) < 0)
      return false;
  }
  /* What Lua's io.open made has no close-on-exec flag. The table is ours. */
  close_range(3, ~0U, 0);
  return true;
}

__attribute__((noreturn)) static void give_up(struct start *start,
                                              const char *failed) {
  start->error = errno;
  start->spawn->failed = failed;
  _exit(127);
}

static int run_child(void *argument) {
  struct start *start = argument;
  struct spawn *spawn = start->spawn;
  if (spawn->session) setsid();
  if (spawn->dies) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != start->parent) _exit(127);
  }
  if (spawn->record) *spawn->record = getpid();
  if (!place_descriptors(start)) give_up(start, "spawn");
  if (spawn->cwd && chdir(spawn->cwd) != 0) give_up(start, "chdir");
  reset_signals(&start->mask);
  descriptors_restore();
  execve(spawn->file, spawn->argv, spawn->envp);
  give_up(start, "exec");
}

/* One stack does: the parent stands still until the child has left it. */
static char *child_stack(void) {
  static char *stack;
  if (stack == NULL) {
    void *got = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (got == MAP_FAILED) return NULL;
    stack = got;
  }
  return stack + STACK;
}

int spawn_start(struct spawn *spawn) {
  static int null = -1;
  if (null < 0) null = open("/dev/null", O_RDWR | O_CLOEXEC);
  char *stack = child_stack();
  spawn->failed = "spawn";
  if (null < 0 || stack == NULL) return -errno;

  struct start start = {.spawn = spawn, .parent = getpid(), .null = null};
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &start.mask);
  spawn->pidfd = -1;
  spawn->pid =
      clone(run_child, stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
            &start, &spawn->pidfd);
  int error = spawn->pid < 0 ? errno : start.error;
  pthread_sigmask(SIG_SETMASK, &start.mask, NULL);
  if (spawn->pid > 0 && error != 0) {
    if (spawn->record) *spawn->record = 0;
    waitpid(spawn->pid, NULL, 0);
    close(spawn->pidfd);
  }
  return -error;
}
