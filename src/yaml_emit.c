/* Callbacks of libyaml raise nothing: a failure becomes one of the emitter. */
#include "yaml_emit.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#define WRITER "orch.yaml.writer"

static int drop(lua_State *L) {
  struct yaml_writer *w = luaL_checkudata(L, 1, WRITER);
  yaml_emitter_delete(&w->emitter);
  free(w->data);
  return 0;
}

static int on_output(void *data, unsigned char *bytes, size_t size) {
  struct yaml_writer *w = data;
  if (size > w->room - w->length) {
    size_t room = w->room * 2 + size;
    char *more = realloc(w->data, room);
    if (!more) return 0;
    w->data = more;
    w->room = room;
  }
  memcpy(w->data + w->length, bytes, size);
  w->length += size;
  return 1;
}

void yaml_emit(struct yaml_writer *w, yaml_event_t *event, int made) {
  if (!made) luaL_error(w->L, "not enough memory");
  if (yaml_emitter_emit(&w->emitter, event)) return;
  if (w->emitter.error == YAML_EMITTER_ERROR)
    luaL_error(w->L, "yaml: %s", w->emitter.problem);
  luaL_error(w->L, "not enough memory");
}

void yaml_emit_scalar(struct yaml_writer *w, const char *text, size_t length,
                      yaml_scalar_style_t style) {
  yaml_event_t event;
  yaml_emit(w, &event,
            yaml_scalar_event_initialize(&event, NULL, NULL,
                                         (const yaml_char_t *)text, (int)length,
                                         1, 1, style));
}

struct yaml_writer *yaml_writer_new(lua_State *L, int indent) {
  struct yaml_writer *w = lua_newuserdatauv(L, sizeof *w, 0);
  memset(w, 0, sizeof *w);
  w->L = L;
  if (luaL_newmetatable(L, WRITER)) {
    lua_pushcfunction(L, drop);
    lua_setfield(L, -2, "__gc");
  }
  if (!yaml_emitter_initialize(&w->emitter)) luaL_error(L, "not enough memory");
  lua_setmetatable(L, -2);
  yaml_emitter_set_output(&w->emitter, on_output, w);
  yaml_emitter_set_unicode(&w->emitter, 1);
  yaml_emitter_set_width(&w->emitter, -1);
  yaml_emitter_set_indent(&w->emitter, indent);
  return w;
}
