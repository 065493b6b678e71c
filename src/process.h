/* A command as a Lua value: what process.c, process_pipes.c and
 * process_start.c share. */
#ifndef ORCH_PROCESS_H
#define ORCH_PROCESS_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include "child.h"
#include "op.h"

#define PROCESS "orch.process"

struct next;
struct take;
struct put;

struct process {
  struct child *child;     /* NULL: not started */
  struct supervised *slot; /* until it is started */
  bool handed_on[2];       /* `next` gives what this output says */
  uint64_t deadline_ns, stall_ns, grace_ns;
  struct next *next;
  struct take *take[2];
  struct put *put;
  struct op *closer;
};

static inline struct process *process_check(lua_State *L) {
  return luaL_checkudata(L, 1, PROCESS);
}

/* Raises: each kind of waiting is for one task at a time. */
int process_busy(lua_State *L, const char *what);

/* The methods in process_pipes.c. */
int process_read(lua_State *L);
int process_write(lua_State *L);
int process_feed(lua_State *L);
int process_close_stdin(lua_State *L);
void process_pipes_changed(struct process *process);

/* Tells the tasks that wait for something of it. */
void process_changed(struct child *child);

/* spawn(file, argv, env, cwd, stdin, stdout, stderr, limit, grace) -> Process.
 * stdin: "null", "inherit", "pipe" or "<path". stdout, stderr: "capture" (up to
 * `limit` bytes), "stream" (given by next), "pull" (given by read), "tail",
 * "null", "inherit", ">path", ">>path"; stderr also "&1". */
int process_spawn(lua_State *L);

static inline uint64_t process_ns(double seconds) {
  return seconds < 1e9 ? (uint64_t)(seconds * 1e9) : UINT64_MAX;
}

#endif
