/* libyaml's emitter, which collects the text in memory of its own. */
#ifndef ORCH_YAML_EMIT_H
#define ORCH_YAML_EMIT_H

#include <lua.h>
#include <stddef.h>
#include <yaml.h>

/* One table that is being written; its chain is the place of a value. */
struct yaml_frame {
  struct yaml_frame *up;
  int key; /* stack index of the key in work */
};

struct yaml_writer {
  lua_State *L;
  yaml_emitter_t emitter;
  char *data;
  size_t length, room;
  struct yaml_frame *top;
  int depth;
};

/* Pushes a writer; the collector frees what it owns. */
struct yaml_writer *yaml_writer_new(lua_State *L, int indent);

/* Hands an event over, which belongs to the emitter from then on; `made` is 0
 * where it could not be made. */
void yaml_emit(struct yaml_writer *w, yaml_event_t *event, int made);

void yaml_emit_scalar(struct yaml_writer *w, const char *text, size_t length,
                      yaml_scalar_style_t style);

#endif
