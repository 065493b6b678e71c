/* Secrets that must never be printed: the forms they may take in a text, and
 * the search for them. Shared by all threads; costs nothing while there is
 * none. */
#ifndef ORCH_MASK_H
#define ORCH_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What stands in a secret's place. No form is shorter. */
#define MASK_STARS "***"
#define MASK_SHORTEST 4

bool mask_any(void);

/* Keeps a copy; false without memory. A form that is known is not added. */
bool mask_add(const char *form, size_t size);

/* How many there are; forgets all but the oldest so many: a test case takes its
 * secrets with it, or "wrong", said to be a key, would be masked in all others.
 */
size_t mask_count(void);
void mask_forget(size_t count);

/* Where the masked text goes, which is never longer than what went in. */
struct mask_out {
  char *text;
  size_t size;
};

/* Masks what can be decided of text[0..size) and gives the number of bytes that
 * were. With `more` to come, the rest may be the beginning of a secret: put the
 * next bytes behind it and call again. `covered`, 0 at first, says how much of
 * the rest belongs to a secret that was masked already. */
size_t mask_run(const char *text, size_t size, bool more, size_t *covered,
                struct mask_out *out);

/* Standard output and standard error mask what is written to them from now on,
 * by whatever thread; false with errno where they cannot. A second time does
 * nothing. */
bool mask_streams(void);

/* A Lua state's io.stdout and io.stderr: where they keep their FILE, which
 * changes with the streams, whichever state has asked for that. */
struct mask_files {
  struct mask_files *next;
  FILE **files[2];
};

void mask_join(struct mask_files *files);
void mask_leave(struct mask_files *files); /* also those that never joined */

/* The end of the run: what is still held back as a possible beginning. */
void mask_finish(void);

struct lua_State;

/* Once for every Lua state, behind its standard library. */
void mask_open(struct lua_State *L);

/* Masks the string on top of the stack. Works in every Lua state. */
void mask_text(struct lua_State *L);

#endif
