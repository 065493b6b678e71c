/* See fault.h. */
#include "fault.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

bool fault_say(struct fault *fault, int error, const char *doing,
               const char *path, const char *note) {
  if (fault->error != 0) return false;
  fault->error = error;
  fault->doing = doing;
  fault->note = note;
  fault->path = path != NULL ? strdup(path) : NULL;
  return false;
}

bool fault_set(struct fault *fault, int error, const char *doing,
               const char *path) {
  return fault_say(fault, error, doing, path, NULL);
}

void fault_check(lua_State *L, struct fault *fault, const char *path) {
  if (fault->error == 0) return;
  if (fault->path != NULL) path = fault->path;
  int status = -fault->error;
  if (fault->note == NULL) {
    error_os(L, fault->doing, path, status);
    return;
  }
  error_push(L, "os", "cannot %s '%s': %s", fault->doing, path, fault->note);
  lua_pushstring(L, uv_err_name(status));
  lua_setfield(L, -2, "code");
  lua_pushstring(L, path);
  lua_setfield(L, -2, "path");
  error_throw(L);
}

void fault_clear(struct fault *fault) {
  free(fault->path);
  *fault = (struct fault){0};
}
