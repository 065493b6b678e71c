/* Names of entries: which ones are refused, how they are written from here on,
 * and which of them patterns mean. No libarchive here. */
#include <ctype.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "archive_common.h"
#include "error.h"

enum { NAME_BYTES = 2048, NAME_PARTS = 128 };

static bool has_part(const char *name, const char *part) {
  size_t wanted = strlen(part);
  while (*name != '\0') {
    size_t size = strcspn(name, "/");
    if (size == wanted && memcmp(name, part, size) == 0) return true;
    name += size + (name[size] == '/');
  }
  return false;
}

const char *name_problem(const char *name) {
  size_t parts = 0;
  for (const char *at = name; *at != '\0'; at++) parts += *at == '/';
  if (name[0] == '\0') return "an entry without a name";
  if (name[0] == '/') return "an absolute path";
  if (isalpha((unsigned char)name[0]) && name[1] == ':')
    return "a path with a drive letter";
  if (strchr(name, '\\'))
    return "a backslash in the name, which parts folders on other systems";
  if (has_part(name, "..")) return "a path that leaves the folder ('..')";
  if (strlen(name) > NAME_BYTES) return "a name of more than 2,048 bytes";
  if (parts >= NAME_PARTS) return "more than 128 folders in each other";
  return NULL;
}

/* The bytes of the character at `at`; 0: this is no UTF-8. */
static size_t utf8_size(const unsigned char *at) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (*at < 0x80) return 1;
  size_t size = *at >= 0xF0 ? 4 : *at >= 0xE0 ? 3 : 2;
  if (*at < 0xC2 || *at > 0xF4) return 0;
  uint32_t code = *at & (0xFF >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xC0) != 0x80) return 0;
    code = code << 6 | (at[i] & 0x3F);
  }
  bool surrogate = code >= 0xD800 && code < 0xE000;
  return code < smallest[size] || code > 0x10FFFF || surrogate ? 0 : size;
}

bool name_is_utf8(const char *name) {
  const unsigned char *at = (const unsigned char *)name;
  size_t size = 1;
  while (*at != '\0' && (size = utf8_size(at)) > 0) at += size;
  return size > 0;
}

static int add_part(struct text *clean, const char *part, size_t size) {
  char code[4];
  int error = clean->size > 0 ? text_add(clean, "/", 1) : 0;
  for (size_t i = 0; i < size && error == 0;) {
    size_t one = utf8_size((const unsigned char *)part + i);
    if (one > 0) {
      error = text_add(clean, part + i, one);
    } else {
      snprintf(code, sizeof code, "%%%02X", (unsigned char)part[i]);
      error = text_add(clean, code, 3);
    }
    i += one > 0 ? one : 1;
  }
  return error;
}

int name_clean(struct text *clean, const char *name) {
  int error = 0;
  clean->size = 0;
  while (*name != '\0' && error == 0) {
    size_t size = strcspn(name, "/");
    bool is_dot = size == 1 && name[0] == '.';
    if (size > 0 && !is_dot) error = add_part(clean, name, size);
    name += size + (name[size] == '/');
  }
  if (error == 0) error = text_add(clean, "", 1);
  if (error == 0) clean->size--;
  return error;
}

static void add_globs(lua_State *L, int list, struct choice *choice) {
  int count = (int)lua_rawlen(L, list);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, list, i);
    const char *pattern = lua_tostring(L, -1);
    if (!glob_compile(&choice->globs[choice->count], pattern))
      error_usage(L, "the pattern '%s' has more than %d parts", pattern,
                  GLOB_PARTS);
    choice->count++;
    lua_pop(L, 1);
  }
}

void choice_read(lua_State *L, int includes, int excludes,
                 struct choice *choice) {
  size_t count = lua_rawlen(L, includes) + lua_rawlen(L, excludes);
  choice->globs = calloc(count + 1, sizeof *choice->globs);
  if (choice->globs == NULL) luaL_error(L, "not enough memory");
  add_globs(L, includes, choice);
  choice->included = choice->count;
  add_globs(L, excludes, choice);
}

void choice_free(struct choice *choice) {
  free(choice->globs);
  choice->globs = NULL;
}

/* Whether the pattern means the entry itself or, with `above`, a folder that it
 * is in. */
static bool matches(const struct glob *glob, const char *name, bool above) {
  char part[NAME_BYTES + 1];
  uint64_t state = glob_start(glob);
  while (*name != '\0') {
    size_t size = strcspn(name, "/");
    if (size > NAME_BYTES) return false;
    memcpy(part, name, size);
    part[size] = '\0';
    state = glob_step(glob, state, part, false);
    name += size + (name[size] == '/');
    if (above && glob_is_match(glob, state)) return true;
  }
  return glob_is_match(glob, state);
}

bool choice_excludes(const struct choice *choice, const char *name) {
  for (int i = choice->included; i < choice->count; i++)
    if (matches(&choice->globs[i], name, true)) return true;
  return false;
}

bool choice_includes(const struct choice *choice, const char *name) {
  for (int i = 0; i < choice->included; i++)
    if (matches(&choice->globs[i], name, false)) return true;
  return choice->included == 0;
}
