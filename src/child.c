/* How a command ends. Its leader's exit counts, not the end of its output: what
 * it left in its process group has a moment to hand over the last bytes and
 * is killed. The leader is reaped last, so that until then its pid, and with
 * it the group's, cannot belong to anybody else. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime.h"
#include "tree.h"

enum {
  LINGER_MS = 100,       /* for a `> >(tee log)` to finish writing */
  LAST_PATIENCE_S = 5,   /* after KILL: for what hangs in the kernel */
  LONGEST_PAUSE_MS = 50, /* between two looks */
};

#define MS 1000000ull
#define SECOND 1000000000ull

static struct child *first;

static void changed(struct child *child) {
  if (child->owner) child->on_change(child);
}

static void free_child(struct child *child) {
  for (int i = 0; i < 2; i++) reader_free(&child->out[i]);
  tree_forget(&child->tree);
  free(child);
}

static void handle_closed(struct child *child) {
  if (--child->open_handles > 0 || child->state != CHILD_CLOSING) return;
  child->state = CHILD_ENDED;
  if (child->prev) child->prev->next = child->next;
  if (child->next) child->next->prev = child->prev;
  if (first == child) first = child->next;
  if (child->owner)
    child->on_change(child);
  else
    free_child(child);
}

static void on_closed(uv_handle_t *handle) {
  handle_closed(handle->data);
}

static bool output_is_over(const struct child *child) {
  return reader_over(&child->out[0]) && reader_over(&child->out[1]);
}

static void reap(struct child *child) {
  siginfo_t info;
  supervisor_leave(child->slot);
  if (child->exited) waitid(P_PID, child->pid, &info, WEXITED | WNOHANG);
  close(child->pidfd);
}

static void finish(struct child *child) {
  if (child->grouped) kill(-child->pid, SIGKILL);
  for (int i = 0; i < 2; i++) {
    reader_drain(&child->out[i]);
    reader_stop(&child->out[i]);
    reader_close_fd(&child->out[i]);
  }
  writer_close_fd(&child->in);
  if (!uv_is_closing((uv_handle_t *)&child->exit))
    uv_close((uv_handle_t *)&child->exit, on_closed);
  if (child->timer_open) uv_close((uv_handle_t *)&child->timer, on_closed);
  reap(child);
  child->state = CHILD_CLOSING;
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct child *child, uint64_t ms) {
  if (!child->timer_open) {
    uv_timer_init(runtime_loop(), &child->timer);
    child->timer.data = child;
    child->timer_open = true;
    child->open_handles++;
  }
  uv_update_time(runtime_loop());
  uv_timer_start(&child->timer, on_timer, ms, 0);
}

/* Until all its processes have ended, or KILL has not helped either. */
static void look_again(struct child *child) {
  uint64_t now = uv_hrtime();
  bool killing = now >= child->kill_at_ns;
  int living = 0;
  /* Those that end at once share one look, a millisecond being nothing. */
  if (killing || child->exited)
    living = tree_signal(&child->tree, killing ? SIGKILL : 0, now - MS);
  bool patient = now < child->kill_at_ns + LAST_PATIENCE_S * SECOND;
  if (child->exited && (living == 0 || !patient)) {
    finish(child);
  } else if (!patient) {
    child->lost = true;
    finish(child);
  } else if (!killing && !child->exited) {
    set_timer(child, (child->kill_at_ns - now) / MS + 1);
  } else {
    if (child->pause_ms < LONGEST_PAUSE_MS) child->pause_ms *= 2;
    set_timer(child, child->pause_ms);
  }
}

static void on_timer(uv_timer_t *timer) {
  struct child *child = timer->data;
  if (child->state == CHILD_LINGERING)
    finish(child);
  else
    look_again(child);
}

static void note_exit(struct child *child, const siginfo_t *info) {
  child->exited = true;
  child->exited_ns = uv_hrtime();
  child->exit_code = info->si_code == CLD_EXITED ? info->si_status : -1;
  child->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
  uv_close((uv_handle_t *)&child->exit, on_closed);
}

static void on_exit_readable(uv_poll_t *poll, int status, int events) {
  struct child *child = poll->data;
  (void)status, (void)events;
  siginfo_t info = {0};
  waitid(P_PID, child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
  if (info.si_pid == 0) return;
  note_exit(child, &info);
  if (child->state == CHILD_DYING) {
    set_timer(child, 2); /* so that the look comes after the exit */
    return;
  }
  for (int i = 0; i < 2; i++) reader_drain(&child->out[i]);
  if (output_is_over(child)) {
    finish(child);
  } else {
    child->state = CHILD_LINGERING;
    set_timer(child, LINGER_MS);
  }
  changed(child);
}

static void on_output(struct reader *reader) {
  struct child *child = reader->owner;
  if (reader_over(reader)) {
    reader_stop(reader);
    reader_close_fd(reader);
  }
  if (child->state == CHILD_LINGERING && output_is_over(child)) finish(child);
  changed(child);
}

static void on_output_closed(struct reader *reader) {
  handle_closed(reader->owner);
}

static void on_written(struct writer *writer) {
  struct child *child = writer->owner;
  if (child->close_in) writer_close_fd(writer);
  bool alive = child->state < CHILD_CLOSING;
  handle_closed(child);
  if (alive) changed(child);
}

bool child_write(struct child *child, const char *data, size_t size) {
  if (writer_write(&child->in, data, size)) return true;
  child->open_handles++;
  return false;
}

void child_close_stdin(struct child *child, bool later) {
  child->close_in = true;
  if (!later || !child->in.in_loop) writer_close_fd(&child->in);
}

void child_stop(struct child *child, uint64_t grace_ns) {
  uint64_t now = uv_hrtime();
  uint64_t kill_at_ns =
      grace_ns > UINT64_MAX / 2 ? UINT64_MAX / 2 : now + grace_ns;
  if (child->state == CHILD_LINGERING) {
    finish(child);
  } else if (child->state == CHILD_RUNNING) {
    child->state = CHILD_DYING;
    child->kill_at_ns = kill_at_ns;
    child->pause_ms = 1;
    /* What it says while it ends must not block it. */
    for (int i = 0; i < 2; i++) {
      if (child->out[i].full == READER_WAITS) child->out[i].full = READER_DROPS;
      reader_resume(&child->out[i]);
    }
    if (grace_ns > 0) tree_signal(&child->tree, SIGTERM, now - 5 * MS);
    look_again(child);
  } else if (child->state == CHILD_DYING && kill_at_ns < child->kill_at_ns) {
    child->kill_at_ns = kill_at_ns;
    look_again(child);
  }
}

int child_signal(struct child *child, int signal) {
  if (child->exited) return -ESRCH;
  return kill(child->grouped ? -child->pid : child->pid, signal) < 0 ? -errno
                                                                     : 0;
}

void child_abandon(struct child *child) {
  child->owner = NULL;
  writer_close_fd(&child->in); /* its text may go with the owner */
  if (child->state == CHILD_ENDED)
    free_child(child);
  else
    child_stop(child, 0);
}

void child_kill_all(void) {
  for (struct child *child = first; child; child = child->next)
    if (!child->exited)
      kill(child->grouped ? -child->pid : child->pid, SIGKILL);
}

static int watch(struct child *child) {
  int status = uv_poll_init(runtime_loop(), &child->exit, child->pidfd);
  if (status < 0) return status;
  child->exit.data = child;
  child->open_handles = 1;
  uv_poll_start(&child->exit, UV_READABLE, on_exit_readable);
  for (int i = 0; i < 2 && status == 0; i++) {
    struct reader *out = &child->out[i];
    out->owner = child;
    out->on_change = on_output;
    out->on_closed = on_output_closed;
    if (out->fd < 0) continue;
    status = reader_start(out);
    if (status == 0) child->open_handles++;
  }
  return status;
}

/* Rare enough that waiting for it here, after KILL, does no harm. */
static void end_unwatched(struct child *child) {
  kill(child->grouped ? -child->pid : child->pid, SIGKILL);
  waitpid(child->pid, NULL, 0);
  supervisor_leave(child->slot);
  close(child->pidfd);
  for (int i = 0; i < 2; i++) reader_close_fd(&child->out[i]);
  writer_close_fd(&child->in);
  free(child);
}

int child_watch(struct child *child) {
  child->tree = (struct tree){.leader = child->pid,
                              .group = child->grouped ? child->pid : 0,
                              .id = child->id};
  child->in.owner = child;
  child->in.on_written = on_written;
  int status = watch(child);
  if (child->open_handles == 0) {
    end_unwatched(child);
    return status;
  }
  child->next = first;
  if (first) first->prev = child;
  first = child;
  if (status < 0) child_abandon(child);
  return status;
}
