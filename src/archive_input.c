/* An archive that is read: see archive_common.h. Zip and tar only, by libraries
 * only: a file decides neither which of libarchive's other readers it meets,
 * nor that a program is started. Zips are read by the directory at their end:
 * without it the rest of a cut one would pass for all. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive_common.h"

/* Small enough that what it may unpack to does not last. */
enum { BLOCK = 64 << 10 };

static int fail_read(struct input *input, struct archive *archive, int error) {
  input->error = error;
  archive_set_error(archive, error, "%s", strerror(error));
  return ARCHIVE_FATAL;
}

static la_ssize_t on_read(struct archive *archive, void *data,
                          const void **block) {
  struct input *input = data;
  ssize_t n;
  if (input_stopped(input)) return fail_read(input, archive, ECANCELED);
  do n = read(input->fd, input->buffer, BLOCK);
  while (n < 0 && errno == EINTR && !input_stopped(input));
  if (n < 0) return fail_read(input, archive, errno);
  if (input->meter && n > 0) {
    off_t at = lseek(input->fd, 0, SEEK_CUR);
    meter_set(input->meter, at, input->size);
  }
  *block = input->buffer;
  return n;
}

static la_int64_t on_seek(struct archive *archive, void *data,
                          la_int64_t offset, int whence) {
  struct input *input = data;
  off_t at = lseek(input->fd, offset, whence);
  return at >= 0 ? at : fail_read(input, archive, errno);
}

/* Never past the end, so that a cut file is found out. */
static la_int64_t on_skip(struct archive *archive, void *data,
                          la_int64_t wanted) {
  struct input *input = data;
  off_t at = lseek(input->fd, 0, SEEK_CUR);
  (void)archive;
  if (at < 0 || wanted <= 0) return 0;
  if (wanted > input->size - at) wanted = input->size - at;
  if (wanted <= 0 || lseek(input->fd, wanted, SEEK_CUR) < 0) return 0;
  return wanted;
}

static bool open_file(struct input *input, const char *path,
                      struct trouble *trouble) {
  struct stat info;
  input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (input->fd < 0 || fstat(input->fd, &info) != 0)
    return trouble_os(trouble, errno, NULL, path);
  if (S_ISDIR(info.st_mode)) return trouble_os(trouble, EISDIR, NULL, path);
  if (!S_ISREG(info.st_mode))
    return trouble_say(trouble, "usage", NULL, NULL, "it is no ordinary file");
  input->size = info.st_size;
  if (info.st_size == 0)
    return trouble_say(trouble, "format", "broken", NULL, "the file is empty");
  return true;
}

/* A plain tar that was cut between two entries looks whole but for the empty
 * blocks at its end. */
static bool check_tail(struct input *input, struct trouble *trouble) {
  char tail[512];
  if (archive_filter_count(input->archive) > 1 || input->is_zip) return true;
  if (input->size < 512 || pread(input->fd, tail, sizeof tail,
                                 input->size - (off_t)sizeof tail) < 512)
    return true;
  for (size_t i = 0; i < sizeof tail; i++)
    if (tail[i] != '\0')
      return trouble_say(trouble, "format", "broken", NULL,
                         "the mark at the end of a tar is missing: it is not "
                         "whole");
  return true;
}

static void support(struct archive *archive) {
  archive_read_support_filter_gzip(archive);
  archive_read_support_filter_bzip2(archive);
  archive_read_support_filter_xz(archive);
  archive_read_support_filter_lzma(archive);
  archive_read_support_filter_zstd(archive);
  archive_read_support_filter_lz4(archive);
  archive_read_support_format_tar(archive);
  archive_read_support_format_zip_seekable(archive);
}

/* In libarchive's words, unless ours are better. */
static bool fail(struct input *input, struct trouble *trouble,
                 const char *entry) {
  const char *words = archive_error_string(input->archive);
  int error = archive_errno(input->archive);
  if (input_stopped(input)) return false;
  if (input->error) return trouble_os(trouble, input->error, NULL, NULL);
  if (error == ENOMEM) return trouble_os(trouble, ENOMEM, NULL, NULL);
  if (words == NULL) words = "it is broken";
  if (input->entries == 0 && strstr(words, "nrecognized archive")) {
    if (input->is_zip)
      words = "the directory at the end of a zip is missing: it is not whole";
    else
      words =
          "it is neither a zip nor a tar archive, or not even its beginning";
  }
  if (strstr(words, "assphrase") || strstr(words, "ncrypt"))
    return trouble_say(trouble, "format", "encrypted", entry,
                       "it is encrypted, which is not supported");
  int64_t at = archive_filter_bytes(input->archive, -1);
  if (!trouble->kind) trouble->offset = at < 0 ? 0 : at;
  return trouble_say(trouble, "format", "broken", entry, "%s", words);
}

bool input_open(struct input *input, const char *path, const char *charset,
                struct trouble *trouble) {
  char head[4] = "";
  trouble->offset = -1;
  archive_in_utf8();
  if (!open_file(input, path, trouble)) return false;
  input->is_zip = pread(input->fd, head, 4, 0) == 4 && head[0] == 'P' &&
                  head[1] == 'K' && head[2] < 8 && head[2] > 0;
  /* A zip of nothing is only the end of a directory: libarchive wants more. */
  input->is_empty = input->is_zip && input->size == 22 && head[2] == 5;
  if (input->is_empty) return true;
  input->buffer = malloc(BLOCK);
  input->archive = archive_read_new();
  if (input->buffer == NULL || input->archive == NULL)
    return trouble_os(trouble, ENOMEM, NULL, path);
  support(input->archive);
  if (charset && archive_read_set_options(input->archive, charset) < 0)
    return trouble_say(trouble, "usage", NULL, NULL, "%s",
                       archive_error_string(input->archive));
  archive_read_set_read_callback(input->archive, on_read);
  archive_read_set_seek_callback(input->archive, on_seek);
  archive_read_set_skip_callback(input->archive, on_skip);
  archive_read_set_callback_data(input->archive, input);
  if (archive_read_open1(input->archive) != ARCHIVE_OK)
    return fail(input, trouble, NULL);
  return true;
}

bool input_next(struct input *input, struct archive_entry **entry,
                struct trouble *trouble) {
  int status;
  if (input->is_empty) return false;
  do status = archive_read_next_header(input->archive, entry);
  while (status == ARCHIVE_RETRY && !input_stopped(input));
  if (status == ARCHIVE_EOF || input_stopped(input)) return false;
  if (status < ARCHIVE_WARN) {
    input->name.size = 0;
    return fail(input, trouble, input->entries ? input->name.data : NULL);
  }
  input->is_zip = (archive_format(input->archive) & ARCHIVE_FORMAT_BASE_MASK) ==
                  ARCHIVE_FORMAT_ZIP;
  if (input->entries == 0 && !check_tail(input, trouble)) return false;
  const char *name = archive_entry_pathname(*entry);
  if (name == NULL)
    return trouble_say(trouble, "format", "broken", NULL,
                       "entry %lld has a name that cannot be read",
                       (long long)input->entries + 1);
  if (name_clean(&input->name, name) != 0)
    return trouble_os(trouble, ENOMEM, NULL, NULL);
  input->entries++;
  if (input->meter) meter_name(input->meter, input->name.data);
  return true;
}

/* A warning here is a checksum or a size that does not fit. */
bool input_block(struct input *input, const void **data, size_t *size,
                 int64_t *offset, struct trouble *trouble) {
  int status;
  la_int64_t at;
  do status = archive_read_data_block(input->archive, data, size, &at);
  while (status == ARCHIVE_RETRY && !input_stopped(input));
  *offset = at;
  if (status == ARCHIVE_OK) return !input_stopped(input);
  if (status == ARCHIVE_EOF) return false;
  return fail(input, trouble, input->name.data);
}

void input_close(struct input *input) {
  if (input->archive) archive_read_free(input->archive);
  if (input->fd >= 0) close(input->fd);
  free(input->buffer);
  free(input->name.data);
  input->archive = NULL;
  input->buffer = NULL;
  input->name = (struct text){0};
  input->fd = -1;
}
