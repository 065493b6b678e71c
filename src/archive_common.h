/* Archives for orch.core.archive, over libarchive: whole operations, each on a
 * thread of its own, because one may last for minutes and the pool has four
 * threads. Here is what all of them share; no Lua but in archive.c and the
 * file of each call. */
#ifndef ORCH_ARCHIVE_COMMON_H
#define ORCH_ARCHIVE_COMMON_H

#include <archive.h>
#include <archive_entry.h>
#include <lua.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "folder.h"
#include "glob.h"
#include "lone.h"

/* How far an operation is: written by its thread, read by the loop. */
struct meter {
  pthread_mutex_t lock;
  int64_t done, total; /* bytes */
  char name[256];      /* of the entry in work; its end where it is longer */
};

struct meter *meter_check(lua_State *L, int index);
void meter_set(struct meter *meter, int64_t done, int64_t total);
void meter_add(struct meter *meter, int64_t bytes);
void meter_name(struct meter *meter, const char *name);

/* What went wrong on the thread; the first counts. */
struct trouble {
  const char *doing;  /* static; completes "cannot ..." */
  int error;          /* errno: kind `os`; 0: what follows */
  const char *kind;   /* static; NULL: nothing went wrong */
  const char *reason; /* static; NULL: none */
  char *path, *entry; /* ours; NULL: the archive's, none */
  char words[400];
  int64_t offset; /* in the archive; -1: unknown */
};

/* All of them return false. `doing` NULL: what the whole operation does. */
bool trouble_os(struct trouble *trouble, int error, const char *doing,
                const char *path);
bool trouble_say(struct trouble *trouble, const char *kind, const char *reason,
                 const char *entry, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Raises it if there is one; `path` is the archive's. */
void trouble_check(lua_State *L, struct trouble *trouble, const char *path);
void trouble_clear(struct trouble *trouble);

/* Patterns: which entries are meant. Their texts are Lua's. */
struct choice {
  struct glob *globs; /* first the inclusions */
  int count, included;
};

/* From the lists of patterns at two indices; raises. */
void choice_read(lua_State *L, int includes, int excludes,
                 struct choice *choice);
void choice_free(struct choice *choice);
bool choice_excludes(const struct choice *choice, const char *name);
bool choice_includes(const struct choice *choice, const char *name);

/* Why an entry must not have this name, or NULL. */
const char *name_problem(const char *name);

/* Appends the name as it is used from here on: without "." and double or last
 * slashes; bytes that are no UTF-8 as %E9. 0 or ENOMEM. */
int name_clean(struct text *clean, const char *name);
bool name_is_utf8(const char *name);

/* libarchive converts names by the thread's locale: UTF-8. */
void archive_in_utf8(void);

/* An archive that is read. */
struct input {
  struct archive *archive;
  struct meter *meter; /* may be NULL */
  const volatile int *stop;
  int fd;
  int64_t size;
  bool is_zip, is_empty;
  char *buffer;
  struct text name; /* of the entry, clean */
  int error;        /* errno of a read that failed */
  int64_t entries;
};

bool input_open(struct input *input, const char *path, const char *charset,
                struct trouble *trouble);

/* The next entry, its clean name in `input->name`. False: the end, or trouble.
 */
bool input_next(struct input *input, struct archive_entry **entry,
                struct trouble *trouble);

/* A block of the entry's data. False: its end, or trouble. */
bool input_block(struct input *input, const void **data, size_t *size,
                 int64_t *offset, struct trouble *trouble);
void input_close(struct input *input);

static inline bool input_stopped(const struct input *input) {
  return __atomic_load_n(input->stop, __ATOMIC_RELAXED);
}

int luaopen_orch_core_archive(lua_State *L);
int pack_call(lua_State *L);
int extract_call(lua_State *L);
int pick_call(lua_State *L);
int reader_new(lua_State *L);
void reader_open(lua_State *L);

#endif
