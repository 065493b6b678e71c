/* The life of one command, from its start to the end of all its processes. No
 * Lua here: process.c gives it to scripts. */
#ifndef ORCH_CHILD_H
#define ORCH_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "pipe.h"
#include "spawn.h"
#include "supervisor.h"
#include "tree.h"

enum child_state {
  CHILD_RUNNING,
  CHILD_LINGERING, /* has ended; something still holds its output */
  CHILD_DYING,     /* was told to end */
  CHILD_CLOSING,   /* all of it has ended; handles are being closed */
  CHILD_ENDED,     /* nothing of it is left, in the system or in the loop */
};

/* What to do with one of its outputs. The first four make a pipe. */
enum child_output {
  OUTPUT_CAPTURE, /* all of it is kept, up to a limit */
  OUTPUT_STREAM,  /* handed on, with back-pressure */
  OUTPUT_TAIL,    /* the last `limit` bytes are kept */
  OUTPUT_FILE,    /* goes to a descriptor */
  OUTPUT_NULL,
  OUTPUT_MERGE, /* stderr only: goes where stdout goes */
};

enum child_input { INPUT_NULL, INPUT_PIPE, INPUT_FILE };

struct child_plan {
  struct spawn spawn; /* file, argv, envp, cwd; the rest is filled in */
  struct supervised *slot;
  enum child_input input;
  enum child_output output[2];
  int fd[3]; /* for FILE: not owned */
  size_t limit[2];
};

struct child {
  struct child *prev, *next; /* all that have not ended */
  struct supervised *slot;
  char id[SUPERVISOR_ID];
  struct tree tree;
  pid_t pid;
  bool grouped;
  int pidfd;
  uv_poll_t exit;
  uv_timer_t timer; /* real time: the processes know of no other */
  bool timer_open;
  int open_handles;
  enum child_state state;
  struct reader out[2]; /* stdout, stderr; fd -1: not a pipe */
  struct writer in;
  bool close_in;                  /* when what is being written is written */
  bool exited;                    /* the leader has; the fields below hold */
  bool lost;                      /* it could not be killed and was given up */
  int exit_code;                  /* -1: ended by a signal */
  int signal;                     /* or 0 */
  uint64_t started_ns, exited_ns; /* uv_hrtime */
  uint64_t kill_at_ns;
  uint64_t pause_ms; /* between two looks at what is left of it */
  /* Something changed: output, the end of a write, the state. Not called any
   * more once `owner` is NULL. */
  void (*on_change)(struct child *child);
  void *owner;
};

/* 0 and a running child in `*made`; or a libuv code, with plan->spawn.failed
 * saying what failed. plan->slot is given back in both cases. */
int child_start(struct child_plan *plan, struct child **made);

/* For child_start: takes over a process that runs. A libuv code: it has been
 * killed and the child is gone. */
int child_watch(struct child *child);

/* TERM to all its processes, then KILL after the grace. Asking again can only
 * shorten the grace. The end follows. */
void child_stop(struct child *child, uint64_t grace_ns);

/* Writes to its stdin. False: not over yet, on_change follows when
 * child->in.in_loop is false again. `data` must live until then. */
bool child_write(struct child *child, const char *data, size_t size);
/* Its stdin ends; `later`: once what is being written is. */
void child_close_stdin(struct child *child, bool later);

/* To its process group, or to the leader where it has none. 0 or -errno. */
int child_signal(struct child *child, int signal);

/* The owner goes: kills what runs, frees the child when it has ended. */
void child_abandon(struct child *child);

/* KILL to the group of everything that runs. Async-signal-safe, and for the
 * very end: the supervisor sees to the rest. */
void child_kill_all(void);

#endif
