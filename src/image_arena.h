/* Memory for libraries that do not expect it to run out, and that nothing can
 * interrupt: what they allocate is noted, and when memory, their allowance or
 * our patience ends, they are left by a jump and everything is freed. No Lua.
 */
#ifndef ORCH_IMAGE_ARENA_H
#define ORCH_IMAGE_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include "op.h"

enum arena_end {
  ARENA_DONE,
  ARENA_MEMORY, /* malloc gave none */
  ARENA_BROKEN, /* the input is at fault: `text` says how */
  ARENA_STOPPED /* the task was cancelled */
};

struct arena_block;

struct arena {
  struct arena_block *blocks;
  size_t used, allowed; /* bytes */
  struct op_work *work; /* asked whether it should stop */
  char text[200];       /* completes "'a.png' ..." */
  bool foreign;         /* nothing is wrong with it, but we cannot read it */
  jmp_buf out;
};

/* Calls `run(data)` on this thread with the arena for its memory. What is not
 * kept is freed in the end. */
enum arena_end arena_run(struct arena *arena, void (*run)(void *data),
                         void *data);

/* Only inside of arena_run. None of them returns NULL, each may jump out. */
void *arena_alloc(size_t size);
void *arena_realloc(void *data, size_t size);
void arena_free(void *data);

/* Takes it out of the arena; to be freed with arena_drop. */
void *arena_keep(void *data);
void arena_drop(void *data);

/* Leaves with ARENA_BROKEN and a text. */
_Noreturn void arena_refuse(const char *format, ...);
void arena_say_foreign(void);

/* Leaves with ARENA_MEMORY. */
_Noreturn void arena_give_up(void);

/* Leaves if the task was cancelled; whether it was. */
void arena_check(void);
bool arena_is_stopped(void);

/* Memory that this may use at once. */
void arena_allow(size_t size);

/* Bytes that grow; `data` is the arena's. */
struct arena_bytes {
  unsigned char *data;
  size_t size, room;
};
void arena_add(struct arena_bytes *bytes, const void *data, size_t size);

/* For all there will be in it, by who has something to free: false instead of
 * leaving. */
bool arena_try_add(struct arena_bytes *bytes, const void *data, size_t size);

#endif
