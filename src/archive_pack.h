/* What an archive is made of, and how it is written. No Lua. */
#ifndef ORCH_ARCHIVE_PACK_H
#define ORCH_ARCHIVE_PACK_H

#include "archive_common.h"
#include "replace.h"

/* What was asked for: a path or a text, and its name in the archive. All Lua's.
 */
struct source {
  const char *name; /* "": the content of the folder `path` */
  const char *path; /* NULL: `text` */
  const char *text;
  size_t text_size;
  int mode; /* of a text; otherwise -1 */
};

/* What goes into the archive. */
struct item {
  char *name, *path; /* ours; path NULL: the text */
  const char *text;
  char *target; /* of a link */
  int64_t size, mtime;
  long mtime_ns;
  mode_t mode; /* with the type */
  dev_t device;
  ino_t inode;
};

struct gather {
  struct item *items;
  size_t count, room;
  int64_t bytes;
  const struct choice *choice;
  const char *prefix;
  bool follow;
  const volatile int *stop;
  struct stat old; /* the archive that will be replaced; st_ino 0: none */
  struct trouble *trouble;
};

/* Adds a source and all that is below it, sorted. False: trouble or stopped. */
bool gather_add(struct gather *gather, const struct source *source);

/* False, with trouble, if two items have one name; folders come once then. */
bool gather_check(struct gather *gather);
void gather_free(struct gather *gather);

struct format {
  const char *name, *filter; /* "zip" or "tar"; "none", "gzip", ... */
  int level, threads;        /* -1: as the library has it */
  bool fixed;                /* the same input gives the same bytes */
  bool keep_times;
  int64_t time; /* of all entries, when they are not kept; -1: none */
};

/* The file that an archive is written to. */
struct output {
  struct archive *archive;
  struct replace replace;
  struct fault fault;
  const volatile int *stop;
  char *buffer;
  size_t used;
  int64_t written;
  int error; /* errno of a write that failed */
  bool opened;
  int64_t dos_time; /* of all entries of a zip, or -1 */
  uint32_t head_left, skip_left;
  unsigned char head[46];
  enum { HEAD_NONE, HEAD_LOCAL, HEAD_CENTRAL } heading;
};

bool output_open(struct output *output, const char *path,
                 const struct format *format, struct trouble *trouble);

/* Puts it in place. False: trouble, or stopped; then there is nothing new. */
bool output_commit(struct output *output, struct trouble *trouble);
void output_close(struct output *output);
bool output_fail(struct output *output, struct trouble *trouble,
                 const char *entry);

/* The entry's header, so that zips do not depend on the time zone. */
int output_header(struct output *output, struct archive_entry *entry);

#endif
