/* A sound file open for decoding, over libsndfile, which reads through us: a
 * cancelled reader meets the end of the file, also while it opens. No Lua. */
#ifndef ORCH_AUDIO_FILE_H
#define ORCH_AUDIO_FILE_H

#include <sndfile.h>
#include <stdbool.h>
#include "op.h"

struct audio_file {
  int fd;
  int64_t at, size;
  struct op_work *work; /* who asks; may be stopped */
  SNDFILE *sound;
  SF_INFO info;
  int status;     /* a negative libuv code: the system's failure */
  char words[96]; /* libsndfile's, when the content is at fault */
};

/* False: `status` or `words` says why. Always to be closed. */
bool audio_file_open(struct audio_file *file, const char *path,
                     struct op_work *work);

/* The next frames, normalised to -1..1; 0 at the end or at a failure. */
int64_t audio_file_read(struct audio_file *file, double *samples,
                        int64_t frames);

/* The largest value that the format can hold: less than 1 for integers. */
double audio_file_full_scale(const struct audio_file *file);

void audio_file_close(struct audio_file *file);

#endif
