/* XML as a list of events that expat has written down: its callbacks touch no
 * Lua state, so nothing raises within expat. xml.c makes values of them. */
#ifndef ORCH_XML_H
#define ORCH_XML_H

#include <expat.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#define XML_MAX_DEPTH 1000

/* The events in the log: START name\0 (attribute\0 value\0)* \0, TEXT text\0,
 * ENDING name\0. */
enum xml_event { XML_NOTHING, XML_START, XML_TEXT, XML_ENDING };

struct xml_log {
  XML_Parser parser; /* freed by xml_log_drop */
  const char *text;
  size_t length, fed;
  char *data;                  /* ours (malloc) */
  size_t used, room, at, last; /* `last`: where the last event begins */
  int depth;
  bool in_text; /* the last event is text, to which more may be added */
  bool no_memory;
  char fault[160]; /* why we have stopped expat, and where */
  size_t line, column;
};

/* False: no memory. The text must stay. */
bool xml_log_open(struct xml_log *log, const char *text, size_t length);
void xml_log_drop(struct xml_log *log);

/* Makes sure that a whole event, and the one after it, is in the log; raises
 * kind `xml` where the text is none. XML_NOTHING: that was all. */
enum xml_event xml_log_peek(lua_State *L, struct xml_log *log);

/* The next string of the event at hand. */
const char *xml_log_take(struct xml_log *log, size_t *length);

#endif
