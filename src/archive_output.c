/* The file that an archive is written to: see archive_pack.h. It has no name
 * until it is whole (replace.h). libarchive writes the times of zips in the
 * zone of this machine; where the bytes must not depend on that, they are put
 * right as they go by. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "archive_pack.h"

enum { BUFFER = 256 << 10, LOCAL_TIME = 10, CENTRAL_TIME = 12, CENTRAL = 46 };

static bool flush(struct output *output) {
  const char *at = output->buffer, *end = at + output->used;
  while (at < end) {
    if (__atomic_load_n(output->stop, __ATOMIC_RELAXED)) {
      output->error = ECANCELED;
      return false;
    }
    ssize_t n = write(output->replace.fd, at, (size_t)(end - at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      output->error = errno;
      return false;
    }
    at += n;
  }
  output->used = 0;
  return true;
}

static bool put(struct output *output, const void *data, size_t size) {
  const char *at = data;
  while (size > 0 && output->error == 0) {
    size_t room = BUFFER - output->used, now = size < room ? size : room;
    memcpy(output->buffer + output->used, at, now);
    output->used += now;
    output->written += (int64_t)now;
    at += now;
    size -= now;
    if (output->used == BUFFER && !flush(output)) return false;
  }
  return output->error == 0;
}

static void set16(unsigned char *at, int64_t value) {
  at[0] = (unsigned char)value;
  at[1] = (unsigned char)(value >> 8);
}

static int get16(const unsigned char *at) {
  return at[0] | at[1] << 8;
}

/* A header is whole: its time is ours. */
static void set_time(struct output *output) {
  bool local = output->heading == HEAD_LOCAL;
  unsigned char *head = output->head;
  if (!local && memcmp(head, "PK\1\2", 4) != 0) {
    output->heading = HEAD_NONE; /* the end of the directory */
    return;
  }
  unsigned char *at = head + (local ? LOCAL_TIME : CENTRAL_TIME);
  set16(at, output->dos_time);
  set16(at + 2, output->dos_time >> 16);
  if (local)
    output->heading = HEAD_NONE;
  else
    output->skip_left =
        (uint32_t)(get16(head + 28) + get16(head + 30) + get16(head + 32));
}

/* The local header comes alone; those of the directory follow each other. */
static bool put_headed(struct output *output, const unsigned char *at,
                       size_t size) {
  while (size > 0 && output->heading != HEAD_NONE) {
    bool local = output->heading == HEAD_LOCAL;
    if (output->skip_left > 0) {
      size_t now = size < output->skip_left ? size : output->skip_left;
      if (!put(output, at, now)) return false;
      output->skip_left -= (uint32_t)now;
      at += now;
      size -= now;
      continue;
    }
    size_t whole = local ? LOCAL_TIME + 4 : CENTRAL;
    output->head[output->head_left++] = *at++;
    size--;
    /* The directory's own end is shorter than a header of it. */
    if (!local && output->head_left == 4 &&
        memcmp(output->head, "PK\1\2", 4) != 0)
      whole = 4;
    if (output->head_left < whole) continue;
    set_time(output);
    output->head_left = 0;
    if (!put(output, output->head, whole)) return false;
  }
  return size == 0 || put(output, at, size);
}

/* Always well: what libarchive is told has failed, it never closes and so never
 * frees. Who gives it data looks at `error`. */
static la_ssize_t on_write(struct archive *archive, void *data,
                           const void *block, size_t size) {
  struct output *output = data;
  (void)archive;
  if (output->error == 0 && output->heading != HEAD_NONE)
    put_headed(output, block, size);
  else
    put(output, block, size);
  return (la_ssize_t)size;
}

bool output_fail(struct output *output, struct trouble *trouble,
                 const char *entry) {
  if (__atomic_load_n(output->stop, __ATOMIC_RELAXED)) return false;
  if (output->error) return trouble_os(trouble, output->error, NULL, NULL);
  if (archive_errno(output->archive) == ENOMEM)
    return trouble_os(trouble, ENOMEM, NULL, NULL);
  const char *words = archive_error_string(output->archive);
  return trouble_say(trouble, "format", NULL, entry, "%s",
                     words ? words : "libarchive failed");
}

static int set_number(struct archive *archive, const char *name,
                      const char *key, int value) {
  char text[16];
  snprintf(text, sizeof text, "%d", value);
  return archive_write_set_filter_option(archive, name, key, text);
}

static int set_filter(struct archive *archive, const struct format *format) {
  const char *name = format->filter;
  if (strcmp(name, "none") == 0) return archive_write_add_filter_none(archive);
  int status = archive_write_add_filter_by_name(archive, name);
  if (status == ARCHIVE_OK && format->level >= 0)
    status = set_number(archive, name, "compression-level", format->level);
  if (status == ARCHIVE_OK && format->threads > 0 && strcmp(name, "gzip") != 0)
    status = set_number(archive, name, "threads", format->threads);
  if (status == ARCHIVE_OK && strcmp(name, "gzip") == 0)
    status = archive_write_set_filter_option(archive, name, "timestamp", NULL);
  return status;
}

static int set_zip(struct archive *archive, const struct format *format) {
  char level[16];
  int status = archive_write_set_format_zip(archive);
  snprintf(level, sizeof level, "%d", format->level);
  if (status == ARCHIVE_OK && format->level >= 0)
    status = archive_write_set_format_option(archive, "zip",
                                             "compression-level", level);
  return status;
}

/* As zips have it: seconds in pairs, years from 1980. */
static int64_t to_dos_time(int64_t seconds) {
  time_t when = seconds < 315532800 ? 315532800 : (time_t)seconds;
  struct tm t;
  gmtime_r(&when, &t);
  if (t.tm_year > 207) return 0xFF9FBF7D;
  int64_t date = (t.tm_year - 80) << 9 | (t.tm_mon + 1) << 5 | t.tm_mday;
  return date << 16 | t.tm_hour << 11 | t.tm_min << 5 | t.tm_sec / 2;
}

static int set_up(struct output *output, const struct format *format) {
  struct archive *archive = output->archive;
  archive_write_set_bytes_per_block(archive, 0);
  output->dos_time = -1;
  int status;
  if (strcmp(format->name, "zip") == 0) {
    if (format->fixed && !format->keep_times)
      output->dos_time = to_dos_time(format->time);
    status = set_zip(archive, format);
  } else {
    status = archive_write_set_format_pax_restricted(archive);
    if (status == ARCHIVE_OK) status = set_filter(archive, format);
  }
  if (status != ARCHIVE_OK) return status;
  return archive_write_open(archive, output, NULL, on_write, NULL);
}

bool output_open(struct output *output, const char *path,
                 const struct format *format, struct trouble *trouble) {
  if (!replace_open(&output->replace, path, -1, "write", &output->fault))
    return trouble_os(trouble, output->fault.error, "write", path);
  output->opened = true;
  if (replace_is_special(&output->replace))
    return trouble_say(trouble, "usage", NULL, NULL, "it is no ordinary file");
  output->buffer = malloc(BUFFER);
  output->archive = archive_write_new();
  if (output->buffer == NULL || output->archive == NULL)
    return trouble_os(trouble, ENOMEM, NULL, path);
  if (set_up(output, format) != ARCHIVE_OK)
    return output_fail(output, trouble, NULL);
  return true;
}

int output_header(struct output *output, struct archive_entry *entry) {
  if (output->dos_time < 0) return archive_write_header(output->archive, entry);
  int status = archive_write_finish_entry(output->archive);
  if (status < ARCHIVE_WARN) return status;
  output->heading = HEAD_LOCAL;
  output->head_left = 0;
  status = archive_write_header(output->archive, entry);
  output->heading = HEAD_NONE;
  return status;
}

bool output_commit(struct output *output, struct trouble *trouble) {
  bool dated = output->dos_time >= 0;
  if (dated && archive_write_finish_entry(output->archive) < ARCHIVE_WARN)
    return output_fail(output, trouble, NULL);
  output->heading = dated ? HEAD_CENTRAL : HEAD_NONE;
  output->head_left = 0;
  if (archive_write_close(output->archive) != ARCHIVE_OK || output->error ||
      !flush(output))
    return output_fail(output, trouble, NULL);
  archive_write_free(output->archive);
  output->archive = NULL;
  const char *path = output->replace.path;
  output->opened = false;
  if (replace_commit(&output->replace, true, "write", &output->fault))
    return true;
  return trouble_os(trouble, output->fault.error, "write", path);
}

/* The last bytes of an archive that nobody will get go nowhere. It is closed
 * all the same, because only that frees all; but the entry in work is not
 * filled up with zeros before, as tar does it. */
static void abandon(struct output *output) {
  struct archive *archive = output->archive;
  if (output->error == 0) output->error = ECANCELED;
  if (archive_format(archive) != ARCHIVE_FORMAT_ZIP)
    archive_write_fail(archive);
  archive_write_close(archive);
  archive_write_free(archive);
}

void output_close(struct output *output) {
  if (output->archive) abandon(output);
  if (output->opened) replace_abandon(&output->replace);
  free(output->buffer);
  fault_clear(&output->fault);
  output->archive = NULL;
  output->buffer = NULL;
  output->opened = false;
}
