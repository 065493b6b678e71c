/* See search.h. A pattern without special characters is searched as text. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

enum { STACK_MIN = 32 << 10, STACK_MAX = 4 << 20 };

static bool is_ascii(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)text[i] >= 0x80) return false;
  return true;
}

static bool is_plain(const char *pattern, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (strchr("\\^$.[|()?*+{", pattern[i]) != NULL) return false;
  return true;
}

/* Matches newlines and many of them, so that every place in a block could be
 * searched to the end of the block. */
static bool may_run_on(const char *pattern) {
  static const char *const signs[] = {"[^",  "\\W", "\\D", "\\H", "\\R",
                                      "\\X", "\\C", "(?s", "(*",  "[[:^"};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (strstr(pattern, signs[i]) != NULL) return true;
  return false;
}

static int open_literal(struct needle *needle, const char *text, size_t size,
                        bool caseless) {
  char *copy = malloc(size);
  if (copy == NULL) return PCRE2_ERROR_NOMEMORY;
  for (size_t i = 0; i < size; i++)
    copy[i] =
        caseless && text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i];
  needle->literal = (struct literal){copy, size, caseless};
  return 0;
}

int needle_open(struct needle *needle, const char *pattern, size_t size,
                bool caseless, bool is_literal, size_t *where) {
  bool ascii = is_ascii(pattern, size);
  *needle = (struct needle){0};
  if (size > 0 && (ascii || !caseless) &&
      (is_literal || is_plain(pattern, size)))
    return open_literal(needle, pattern, size, caseless);
  uint32_t options = is_literal ? PCRE2_LITERAL : PCRE2_MULTILINE;
  if (caseless) options |= PCRE2_CASELESS;
  if (!ascii) options |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
  int error;
  needle->code =
      pcre2_compile((PCRE2_SPTR)pattern, size, options, &error, where, NULL);
  if (needle->code == NULL) return error;
  pcre2_jit_compile(needle->code, PCRE2_JIT_COMPLETE);
  needle->line_by_line = !is_literal && may_run_on(pattern);
  return 0;
}

void needle_close(struct needle *needle) {
  pcre2_code_free(needle->code);
  free((char *)needle->literal.text);
  *needle = (struct needle){0};
}

bool searcher_open(struct searcher *searcher) {
  searcher->data = pcre2_match_data_create(1, NULL);
  searcher->context = pcre2_match_context_create(NULL);
  searcher->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
  if (searcher->data == NULL || searcher->context == NULL) return false;
  pcre2_jit_stack_assign(searcher->context, NULL, searcher->stack);
  return true;
}

void searcher_close(struct searcher *searcher) {
  pcre2_match_data_free(searcher->data);
  pcre2_match_context_free(searcher->context);
  pcre2_jit_stack_free(searcher->stack);
}

static void set_line(struct match *match, const char *block, const char *end) {
  const char *before = memrchr(block, '\n', match->start - block);
  const char *after = memchr(match->start, '\n', end - match->start);
  match->line = before != NULL ? before + 1 : block;
  match->line_end = after != NULL ? after : end;
}

/* Matches in [block, end) from `from`; 1, 0 or an error. Behind the newline
 * that ends the block there is no line any more. */
static int match_at(const struct needle *needle, struct searcher *searcher,
                    const char *block, const char *from, const char *end,
                    struct match *match) {
  int found = pcre2_match(needle->code, (PCRE2_SPTR)block, end - block,
                          from - block, 0, searcher->data, searcher->context);
  if (found == PCRE2_ERROR_NOMATCH) return 0;
  if (found < 0) return found;
  size_t *offsets = pcre2_get_ovector_pointer(searcher->data);
  match->start = block + offsets[0];
  match->end = block + offsets[1];
  return match->end >= match->start; /* \K can turn them round */
}

static int find_in_block(const struct needle *needle, struct searcher *searcher,
                         const char *block, const char *from, const char *end,
                         struct match *match) {
  while (from < end) {
    int found = match_at(needle, searcher, block, from, end, match);
    if (found <= 0) return found;
    if (match->start == end && end[-1] == '\n') return 0;
    set_line(match, block, end);
    if (match->end <= match->line_end) return 1;
    /* Over the end of its line: does it match inside, too? */
    const char *begin = from > match->line ? from : match->line;
    const char *line = match->line, *line_end = match->line_end;
    found = match_at(needle, searcher, line, begin, line_end, match);
    if (found != 0) return found;
    from = line_end + 1;
  }
  return 0;
}

static int find_by_line(const struct needle *needle, struct searcher *searcher,
                        const char *block, const char *from, const char *end,
                        struct match *match) {
  const char *before = memrchr(block, '\n', from - block);
  const char *line = before != NULL ? before + 1 : block;
  while (from < end) {
    const char *newline = memchr(from, '\n', end - from);
    match->line = line;
    match->line_end = newline != NULL ? newline : end;
    int found = match_at(needle, searcher, line, from, match->line_end, match);
    if (found != 0) return found;
    from = line = match->line_end + 1;
  }
  return 0;
}

int needle_find(const struct needle *needle, struct searcher *searcher,
                const char *block, const char *from, const char *end,
                struct match *match) {
  if (needle->code == NULL) {
    match->start = literal_find(&needle->literal, from, end);
    if (match->start == NULL) return 0;
    match->end = match->start + needle->literal.size;
    set_line(match, block, end);
    return match->end <= match->line_end;
  }
  if (needle->line_by_line)
    return find_by_line(needle, searcher, block, from, end, match);
  return find_in_block(needle, searcher, block, from, end, match);
}
