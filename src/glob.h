/* Patterns over paths, one state machine step per path component, so that a
 * walk knows which folders cannot hold a match. No Lua. */
#ifndef ORCH_GLOB_H
#define ORCH_GLOB_H

#include <stdbool.h>
#include <stdint.h>

enum { GLOB_PARTS = 63 };

/* Components of one pattern: `**` stands for any number of components; `*`,
 * `?`,
 * `[a-z]`, `[!a-z]` and `\` work inside one. Braces are expanded before. */
struct glob {
  int count;
  struct glob_part {
    const char *text; /* in the pattern, which must outlive this */
    int size;
    bool any_depth;
  } parts[GLOB_PARTS];
};

/* Which parts may come next, a bit each; bit `count`: the path matches. */

/* False: too many components. */
bool glob_compile(struct glob *glob, const char *pattern);

/* The state before the first component. */
uint64_t glob_start(const struct glob *glob);

/* The state after one more component. `through_link` leaves out what only `**`
 * would do: it does not go through links. */
uint64_t glob_step(const struct glob *glob, uint64_t state, const char *name,
                   bool through_link);

bool glob_is_match(const struct glob *glob, uint64_t state);

/* Whether anything below a folder with this state can match. */
bool glob_can_match_below(const struct glob *glob, uint64_t state);

#endif
