/* How a command begins: its pipes, its process, its place among the children.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "child.h"

static struct child *new_child(const struct child_plan *plan) {
  struct child *child = calloc(1, sizeof *child);
  if (child == NULL) return NULL;
  child->slot = plan->slot;
  child->grouped = plan->slot->grouped;
  supervisor_id(plan->slot, child->id);
  child->in.fd = -1;
  for (int i = 0; i < 2; i++) {
    struct reader *out = &child->out[i];
    out->fd = -1;
    out->eof = true;
    out->limit = plan->limit[i];
    out->full = plan->output[i] == OUTPUT_CAPTURE  ? READER_FAILS
                : plan->output[i] == OUTPUT_STREAM ? READER_WAITS
                                                   : READER_DROPS;
  }
  return child;
}

static int make_pipe(int *reading, int *writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  *reading = ends[0];
  *writing = ends[1];
  return 0;
}

/* Fills in plan->spawn.fd; `theirs` are the ends to be closed after the start.
 */
static int open_pipes(struct child_plan *plan, struct child *child,
                      int theirs[3]) {
  int *fd = plan->spawn.fd, status = 0;
  fd[0] = plan->input == INPUT_FILE ? plan->fd[0] : -1;
  if (plan->input == INPUT_PIPE) {
    status = make_pipe(&theirs[0], &child->in.fd);
    if (status < 0) return status;
    fd[0] = theirs[0];
    fcntl(child->in.fd, F_SETFL, O_NONBLOCK);
  }
  for (int i = 0; i < 2; i++) {
    enum child_output output = plan->output[i];
    fd[i + 1] = output == OUTPUT_FILE    ? plan->fd[i + 1]
                : output == OUTPUT_MERGE ? fd[1]
                                         : -1;
    if (output > OUTPUT_TAIL) continue;
    status = make_pipe(&child->out[i].fd, &theirs[i + 1]);
    if (status < 0) return status;
    fd[i + 1] = theirs[i + 1];
    child->out[i].eof = false;
  }
  return 0;
}

/* An inherited "ignore" would have the kernel throw exit codes away, and a
 * command that does not read its stdin would end us. */
static void set_signals(void) {
  static bool done;
  if (done) return;
  done = true;
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
}

static int fail(struct child_plan *plan, struct child *child, int status) {
  if (child) {
    for (int i = 0; i < 2; i++) reader_close_fd(&child->out[i]);
    writer_close_fd(&child->in);
    free(child);
  }
  supervisor_leave(plan->slot);
  return status;
}

int child_start(struct child_plan *plan, struct child **made) {
  int theirs[3] = {-1, -1, -1};
  set_signals();
  plan->spawn.failed = "spawn";
  struct child *child = new_child(plan);
  if (child == NULL) return fail(plan, NULL, UV_ENOMEM);
  int status = open_pipes(plan, child, theirs);
  plan->spawn.session = child->grouped;
  plan->spawn.dies = true;
  plan->spawn.record = &plan->slot->pid;
  child->started_ns = uv_hrtime();
  if (status == 0) status = spawn_start(&plan->spawn);
  for (int i = 0; i < 3; i++)
    if (theirs[i] >= 0) close(theirs[i]);
  if (status < 0) return fail(plan, child, status);

  child->pid = plan->spawn.pid;
  child->pidfd = plan->spawn.pidfd;
  status = child_watch(child);
  if (status == 0) *made = child;
  return status;
}
