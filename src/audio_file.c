#include "audio_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sf_count_t size_of(void *user) {
  return ((struct audio_file *)user)->size;
}

static sf_count_t move_to(sf_count_t offset, int whence, void *user) {
  struct audio_file *file = user;
  if (whence == SEEK_CUR) offset += file->at;
  if (whence == SEEK_END) offset += file->size;
  if (offset < 0) return -1;
  return file->at = offset;
}

static sf_count_t position(void *user) {
  return ((struct audio_file *)user)->at;
}

static sf_count_t read_some(void *to, sf_count_t count, void *user) {
  struct audio_file *file = user;
  sf_count_t done = 0;
  while (done < count && !file->status && !op_work_stopped(file->work)) {
    ssize_t n =
        pread(file->fd, (char *)to + done, (size_t)(count - done), file->at);
    if (n < 0 && errno != EINTR) file->status = uv_translate_sys_error(errno);
    if (n == 0) break;
    if (n < 0) continue;
    done += n;
    file->at += n;
  }
  return done;
}

static SF_VIRTUAL_IO io = {
    .get_filelen = size_of,
    .seek = move_to,
    .read = read_some,
    .tell = position,
};

/* libsndfile keeps why it could not open a file in one place for all threads:
 * who failed opens again, alone, to have the words for its own file. */
static pthread_rwlock_t opening = PTHREAD_RWLOCK_INITIALIZER;

static void open_once(struct audio_file *file) {
  file->at = 0;
  memset(&file->info, 0, sizeof file->info);
  file->sound = sf_open_virtual(&io, SFM_READ, &file->info, file);
}

static void keep_words(struct audio_file *file, const char *words) {
  const char prefix[] = "Error : ";
  if (strncmp(words, prefix, sizeof prefix - 1) == 0)
    words += sizeof prefix - 1;
  size_t length = strcspn(words, "\n");
  while (length > 0 && strchr(". ", words[length - 1])) length--;
  snprintf(file->words, sizeof file->words, "%.*s", (int)length, words);
}

static bool open_sound(struct audio_file *file) {
  pthread_rwlock_rdlock(&opening);
  open_once(file);
  pthread_rwlock_unlock(&opening);
  if (file->sound || file->status || op_work_stopped(file->work))
    return file->sound != NULL;
  pthread_rwlock_wrlock(&opening);
  open_once(file);
  if (!file->sound) keep_words(file, sf_strerror(NULL));
  pthread_rwlock_unlock(&opening);
  return file->sound != NULL;
}

bool audio_file_open(struct audio_file *file, const char *path,
                     struct op_work *work) {
  struct stat info;
  memset(file, 0, sizeof *file);
  file->work = work;
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file->fd < 0 || fstat(file->fd, &info) != 0)
    file->status = uv_translate_sys_error(errno);
  else if (!S_ISREG(info.st_mode))
    file->status = S_ISDIR(info.st_mode) ? UV_EISDIR : UV_EINVAL;
  else
    file->size = info.st_size;
  return !file->status && open_sound(file);
}

int64_t audio_file_read(struct audio_file *file, double *samples,
                        int64_t frames) {
  int64_t n = sf_readf_double(file->sound, samples, frames);
  if (n == 0 && sf_error(file->sound) != SF_ERR_NO_ERROR)
    keep_words(file, sf_strerror(file->sound));
  return n;
}

double audio_file_full_scale(const struct audio_file *file) {
  switch (file->info.format & SF_FORMAT_SUBMASK) {
  case SF_FORMAT_PCM_S8:
  case SF_FORMAT_PCM_U8:
    return 127.0 / 128;
  case SF_FORMAT_PCM_16:
    return 32767.0 / 32768;
  case SF_FORMAT_PCM_24:
    return 8388607.0 / 8388608;
  case SF_FORMAT_PCM_32:
    return 2147483647.0 / 2147483648;
  case SF_FORMAT_ULAW:
    return 32124.0 / 32768;
  case SF_FORMAT_ALAW:
    return 32256.0 / 32768;
  default:
    return 1;
  }
}

void audio_file_close(struct audio_file *file) {
  if (file->sound) sf_close(file->sound);
  if (file->fd >= 0) close(file->fd);
  file->sound = NULL;
  file->fd = -1;
}
