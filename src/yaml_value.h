/* The two directions of orch.core.yaml; yaml.c puts them together. What a plain
 * scalar means is YAML 1.2's core schema, so `no` is a text. */
#ifndef ORCH_YAML_VALUE_H
#define ORCH_YAML_VALUE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#define YAML_MAX_DEPTH 1000

/* Registry names of the metatables that mark a table: a list, also when it is
 * empty (JSON's own mark), and a mapping, also when its keys look like those
 * of a list. */
#define YAML_LIST "orch.json.array"
#define YAML_MAPPING "orch.yaml.mapping"

enum yaml_meaning {
  YAML_TEXT,
  YAML_NULL,
  YAML_TRUE,
  YAML_FALSE,
  YAML_INTEGER,
  YAML_FLOAT
};

/* What a plain scalar means. A number that fits no 64 bits is a text, so that
 * nothing of it is lost. */
enum yaml_meaning yaml_resolve(const char *text, size_t length,
                               int64_t *integer, double *real);

/* Whether some reader, also one of YAML 1.1, would take the text for something
 * else when it stands without quotes. */
bool yaml_is_ambiguous(const char *text, size_t length);

struct yaml_reader {
  lua_State *L;
  yaml_parser_t parser;
  yaml_event_t event;
  bool has_event;
  const char *text;
  size_t length;
  size_t aliased; /* values that aliases stand for */
  int depth;
  bool keep_last; /* of a name that stands twice, instead of refusing it */
  bool all_texts; /* no scalar is anything but text */
  int texts;      /* stack index: the names whose scalars stay text, or nil */
  int on_tag;     /* stack index: function(tag, value), or nil */
  int anchors, weights; /* stack indices: name -> value, name -> values in it */
};

/* Moves to the next event; raises kind `yaml` where the text is none. */
void yaml_next(struct yaml_reader *r);

/* Raises kind `yaml` at the mark. */
int yaml_fail(struct yaml_reader *r, const yaml_mark_t *mark, const char *fmt,
              ...);

/* Pushes the value that begins with the current event; its last event is the
 * current one afterwards. */
void yaml_read(struct yaml_reader *r);

/* The parts of it: a node, where scalars of `as_text` are text, which returns
 * how many values are in it; a mapping without its tag and anchor; one level
 * more.
 */
size_t yaml_read_node(struct yaml_reader *r, bool as_text);
size_t yaml_read_mapping(struct yaml_reader *r);
void yaml_enter(struct yaml_reader *r);

/* Whether the table has the metatable of this registry name. */
bool yaml_is_marked(lua_State *L, int index, const char *mark);

/* Tag and anchor of the node that begins with the event; NULL: it has none. */
const char *yaml_tag(const yaml_event_t *event);
const char *yaml_anchor(const yaml_event_t *event);

/* Pushes the YAML text of the value at `index`; raises kind `yaml` with the
 * place of what cannot be written. */
void yaml_write(lua_State *L, int index, int indent);

#endif
