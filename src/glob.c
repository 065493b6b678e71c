/* See glob.h. */
#include "glob.h"

#include <string.h>

bool glob_compile(struct glob *glob, const char *pattern) {
  glob->count = 0;
  while (*pattern != '\0') {
    int size = (int)strcspn(pattern, "/");
    if (size > 0) {
      if (glob->count == GLOB_PARTS) return false;
      bool any_depth = size == 2 && memcmp(pattern, "**", 2) == 0;
      glob->parts[glob->count++] = (struct glob_part){pattern, size, any_depth};
    }
    pattern += size + (pattern[size] == '/');
  }
  return true;
}

static uint64_t bit(int part) {
  return (uint64_t)1 << part;
}

/* `**` may stand for nothing: what follows it may come at once. At the end it
 * stands for one component at least, so that "a/" + "**" is not "a". */
static uint64_t close_over(const struct glob *glob, uint64_t state) {
  for (int i = 0; i + 1 < glob->count; i++)
    if ((state & bit(i)) && glob->parts[i].any_depth) state |= bit(i + 1);
  return state;
}

uint64_t glob_start(const struct glob *glob) {
  return close_over(glob, glob->count > 0 ? bit(0) : 0);
}

/* The character after `text`; bytes that are no UTF-8 stand for themselves. */
static const char *next_char(const char *text, const char *end) {
  text++;
  while (text < end && ((unsigned char)*text & 0xC0) == 0x80) text++;
  return text;
}

/* The code point at `*text`, which moves past it. */
static uint32_t take_char(const char **text, const char *end) {
  const char *stop = next_char(*text, end);
  uint32_t code = (unsigned char)**text;
  int more = (int)(stop - *text) - 1;
  if (more > 0 && more < 4) code &= 0x3F >> more;
  for (const char *byte = *text + 1; byte < stop; byte++)
    code = code << 6 | ((unsigned char)*byte & 0x3F);
  *text = stop;
  return code;
}

/* `*set` is behind the "["; it moves behind the "]". A set that is never closed
 * is the character "[" itself: then false, and `*set` stays. */
static bool match_set(const char **set, const char *end, uint32_t code,
                      bool *matches) {
  const char *at = *set;
  bool negated = at < end && (*at == '!' || *at == '^');
  bool found = false;
  at += negated;
  for (bool first = true; at < end && (*at != ']' || first); first = false) {
    if (*at == '\\' && at + 1 < end) at++;
    uint32_t low = take_char(&at, end), high = low;
    if (at + 1 < end && *at == '-' && at[1] != ']') {
      at++;
      if (*at == '\\' && at + 1 < end) at++;
      high = take_char(&at, end);
    }
    found = found || (low <= code && code <= high);
  }
  if (at >= end) return false;
  *set = at + 1;
  *matches = found != negated;
  return true;
}

/* One pattern character against one of the name; both move past it. */
static bool match_one(const char **pattern, const char *pattern_end,
                      const char **name, const char *name_end) {
  const char *at = *pattern + 1;
  bool matches;
  switch (**pattern) {
  case '?':
    *name = next_char(*name, name_end);
    break;
  case '[': {
    const char *after = *name;
    uint32_t code = take_char(&after, name_end);
    if (!match_set(&at, pattern_end, code, &matches)) {
      if (**name != '[') return false;
      after = *name + 1;
    } else if (!matches) {
      return false;
    }
    *name = after;
    break;
  }
  case '\\':
    if (at < pattern_end) ++*pattern, at++;
    /* fall through */
  default:
    if (**pattern != *(*name)++) return false;
  }
  *pattern = at;
  return true;
}

/* Only the last `*` needs to be tried again: what came before it matched with
 * as little as possible. */
static bool match_part(const struct glob_part *part, const char *name) {
  const char *pattern = part->text, *end = part->text + part->size;
  const char *name_end = name + strlen(name);
  const char *star = NULL, *retry = NULL;
  for (;;) {
    if (pattern < end && *pattern == '*') {
      star = ++pattern;
      retry = name;
      continue;
    }
    if (pattern == end && name == name_end) return true;
    if (pattern < end && name < name_end &&
        match_one(&pattern, end, &name, name_end))
      continue;
    if (star == NULL || retry >= name_end) return false;
    pattern = star;
    name = ++retry;
  }
}

uint64_t glob_step(const struct glob *glob, uint64_t state, const char *name,
                   bool through_link) {
  uint64_t next = 0;
  for (int i = 0; i < glob->count; i++) {
    if (!(state & bit(i))) continue;
    if (!glob->parts[i].any_depth) {
      if (match_part(&glob->parts[i], name)) next |= bit(i + 1);
    } else if (!through_link) {
      next |= bit(i);
      if (i + 1 == glob->count) next |= bit(i + 1);
    }
  }
  return close_over(glob, next);
}

bool glob_is_match(const struct glob *glob, uint64_t state) {
  return (state & bit(glob->count)) != 0;
}

bool glob_can_match_below(const struct glob *glob, uint64_t state) {
  return (state & (bit(glob->count) - 1)) != 0;
}
