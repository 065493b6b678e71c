/* What went wrong on a pool thread, kept until the task can raise it: an errno,
 * what was being done and to which path. No Lua until fault_check. */
#ifndef ORCH_FAULT_H
#define ORCH_FAULT_H

#include <lua.h>
#include <stdbool.h>

struct fault {
  int error;         /* errno; 0: nothing went wrong */
  const char *doing; /* static; completes "cannot ..." */
  const char *note;  /* static; replaces the system's words when it is set */
  char *path;        /* ours (malloc); NULL when that failed too */
};

/* Remembers the first fault only. `error` is a positive errno, `path` is
 * copied. Returns false, so that a step can end with `return fault_set(...)`.
 */
bool fault_set(struct fault *fault, int error, const char *doing,
               const char *path);

/* The same with a sentence of our own: "it is a folder; ...". */
bool fault_say(struct fault *fault, int error, const char *doing,
               const char *path, const char *note);

/* Raises the fault as an Error of kind `os` when there is one. `path` stands in
 * for a path that could not be copied. */
void fault_check(lua_State *L, struct fault *fault, const char *path);

/* Forgets the fault and frees its path. */
void fault_clear(struct fault *fault);

#endif
