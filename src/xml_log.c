/* Entities of the text itself are expanded within expat's own limits; what
 * stands in other files is never read. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "xml.h"

#define CHUNK 32768

/* Afterwards expat has moved on. */
static void stop(struct xml_log *log) {
  log->line = XML_GetCurrentLineNumber(log->parser);
  log->column = XML_GetCurrentColumnNumber(log->parser) + 1;
  XML_StopParser(log->parser, XML_FALSE);
}

static bool add(struct xml_log *log, const void *bytes, size_t size) {
  if (log->no_memory) return false;
  if (size > log->room - log->used) {
    size_t room = log->room * 2 + size + CHUNK;
    char *data = realloc(log->data, room);
    if (!data) {
      log->no_memory = true;
      stop(log);
      return false;
    }
    log->data = data;
    log->room = room;
  }
  memcpy(log->data + log->used, bytes, size);
  log->used += size;
  return true;
}

static void add_kind(struct xml_log *log, enum xml_event kind) {
  char byte = (char)kind;
  log->last = log->used;
  add(log, &byte, 1);
  log->in_text = kind == XML_TEXT;
}

static void add_string(struct xml_log *log, const char *text) {
  add(log, text, strlen(text) + 1);
}

static void XMLCALL on_start(void *data, const XML_Char *name,
                             const XML_Char **attributes) {
  struct xml_log *log = data;
  if (++log->depth > XML_MAX_DEPTH) {
    snprintf(log->fault, sizeof log->fault, "nested deeper than %d levels",
             XML_MAX_DEPTH);
    stop(log);
    return;
  }
  add_kind(log, XML_START);
  add_string(log, name);
  for (; *attributes; attributes++) add_string(log, *attributes);
  add_string(log, "");
}

static void XMLCALL on_end(void *data, const XML_Char *name) {
  struct xml_log *log = data;
  log->depth--;
  add_kind(log, XML_ENDING);
  add_string(log, name);
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length) {
  struct xml_log *log = data;
  if (log->in_text)
    log->used--; /* its end, which comes again */
  else
    add_kind(log, XML_TEXT);
  add(log, text, (size_t)length);
  add(log, "", 1);
}

static void XMLCALL on_skipped(void *data, const XML_Char *name,
                               int is_parameter) {
  struct xml_log *log = data;
  if (is_parameter) return;
  snprintf(log->fault, sizeof log->fault,
           "the entity '&%.60s;' is not declared in this text, and other files "
           "are never read",
           name);
  stop(log);
}

static int XMLCALL on_external(XML_Parser parser, const XML_Char *context,
                               const XML_Char *base, const XML_Char *system,
                               const XML_Char *public) {
  (void)context;
  (void)base;
  (void)public;
  struct xml_log *log = XML_GetUserData(parser);
  snprintf(log->fault, sizeof log->fault,
           "an entity stands for '%.60s', and other files are never read",
           system ? system : "");
  stop(log);
  return XML_STATUS_ERROR;
}

bool xml_log_open(struct xml_log *log, const char *text, size_t length) {
  log->parser = XML_ParserCreate(NULL);
  if (!log->parser) return false;
  log->text = text;
  log->length = length;
  XML_SetUserData(log->parser, log);
  XML_SetElementHandler(log->parser, on_start, on_end);
  XML_SetCharacterDataHandler(log->parser, on_text);
  XML_SetSkippedEntityHandler(log->parser, on_skipped);
  XML_SetExternalEntityRefHandler(log->parser, on_external);
  return true;
}

void xml_log_drop(struct xml_log *log) {
  if (log->parser) XML_ParserFree(log->parser);
  free(log->data);
  log->parser = NULL;
  log->data = NULL;
}

static int raise_fault(lua_State *L, struct xml_log *log) {
  enum XML_Error code = XML_GetErrorCode(log->parser);
  if (!*log->fault) {
    log->line = XML_GetCurrentLineNumber(log->parser);
    log->column = XML_GetCurrentColumnNumber(log->parser) + 1;
  }
  int line = (int)log->line, column = (int)log->column;
  const char *words = *log->fault ? log->fault : XML_ErrorString(code);
  if (log->no_memory || code == XML_ERROR_NO_MEMORY)
    return luaL_error(L, "not enough memory");
  if (*log->fault) {
  } else if (code == XML_ERROR_AMPLIFICATION_LIMIT_BREACH) {
    words = "entities that grow without end: the text is refused";
  } else if (code == XML_ERROR_UNDEFINED_ENTITY) {
    words = "an entity that is not declared: write '&' as &amp;";
  } else if (code == XML_ERROR_SYNTAX) {
    words = "not XML: its one element begins with '<'";
  } else if (code == XML_ERROR_NO_ELEMENTS) {
    words = "the text ends before its element does";
  } else if (code == XML_ERROR_INVALID_TOKEN) {
    words = "not well-formed here: '<' and '&' in a text are &lt; and &amp;, "
            "and bytes must fit the encoding";
  } else if (code == XML_ERROR_TAG_MISMATCH) {
    words = "this end tag is not that of the element that is open";
  } else if (code == XML_ERROR_JUNK_AFTER_DOC_ELEMENT) {
    words = "something stands behind the end of the one element";
  }
  error_push(L, "xml", "line %d, column %d: %s", line, column, words);
  lua_pushinteger(L, line);
  lua_setfield(L, -2, "line");
  lua_pushinteger(L, column);
  lua_setfield(L, -2, "column");
  return error_throw(L);
}

static void feed(lua_State *L, struct xml_log *log) {
  size_t left = log->length - log->fed, size = left < CHUNK ? left : CHUNK;
  if (log->at < log->used)
    memmove(log->data, log->data + log->at, log->used - log->at);
  log->used -= log->at;
  log->last -= log->at;
  log->at = 0;
  const char *from = log->text + log->fed;
  log->fed += size;
  if (!XML_Parse(log->parser, from, (int)size, log->fed == log->length) ||
      log->no_memory)
    raise_fault(L, log);
}

/* More may be added to a text that is the last event; the rest is whole. */
enum xml_event xml_log_peek(lua_State *L, struct xml_log *log) {
  bool ended = log->length == 0;
  if (log->length == 0) feed(L, log); /* raises: no element */
  while (!ended && log->fed < log->length) {
    bool nothing = log->at == log->used;
    bool may_grow = log->in_text && log->at == log->last;
    if (!nothing && !may_grow) break;
    feed(L, log);
  }
  if (log->at == log->used) return XML_NOTHING;
  return (enum xml_event)log->data[log->at];
}

const char *xml_log_take(struct xml_log *log, size_t *length) {
  const char *text = log->data + log->at;
  *length = strlen(text);
  log->at += *length + 1;
  return text;
}
