/* One pattern of fs.scan, searched in blocks of whole lines. A match never goes
 * over the end of its line. No Lua. */
#ifndef ORCH_SEARCH_H
#define ORCH_SEARCH_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "literal.h"

#include <stdbool.h>
#include <stdint.h>

struct needle {
  pcre2_code *code;       /* NULL: it is the literal */
  struct literal literal; /* its text is ours */
  bool line_by_line;      /* it could run on over many lines */
};

/* What a thread needs to search; the same for all needles. */
struct searcher {
  pcre2_match_data *data;
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
};

/* 0 or a PCRE2 error, with the place in the pattern. */
int needle_open(struct needle *needle, const char *pattern, size_t size,
                bool caseless, bool is_literal, size_t *where);
void needle_close(struct needle *needle);

bool searcher_open(struct searcher *searcher);
void searcher_close(struct searcher *searcher);

/* A match and its line, without the newline. */
struct match {
  const char *start, *end, *line, *line_end;
};

/* The first match at or after `from` in the lines [block, end). 1: found, 0:
 * not, negative: a PCRE2 error. */
int needle_find(const struct needle *needle, struct searcher *searcher,
                const char *block, const char *from, const char *end,
                struct match *match);

#endif
