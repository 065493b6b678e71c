/* What a decoded sound is like: peaks, power, offset, clipping and silence,
 * from blocks of interleaved samples. Constant memory; no Lua, no files. */
#ifndef ORCH_AUDIO_MEASURE_H
#define ORCH_AUDIO_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

/* A wave that is cut off stays at full scale: that many samples in a row. One
 * that only touches it is not clipped. */
#define CLIPPED_RUN 3

/* What is larger is no sound, and its square may be no number. */
#define LARGEST 1e100

struct audio_channel {
  double peak;        /* largest absolute value */
  double sum, square; /* of all finite samples */
  int64_t clipped;    /* samples in runs at full scale */
  int64_t non_finite; /* NaN, infinities and the like: float files have them */
  int64_t run;        /* samples at full scale up to here */
};

struct audio_measure {
  int channel_count;
  double full_scale;        /* the largest value the format can hold */
  double quiet;             /* silence is at most that far from zero */
  int64_t shortest;         /* silence shorter than that many frames is none */
  int64_t frames;           /* seen so far */
  int64_t lead, quiet_run;  /* silent frames at the start, and up to here */
  int64_t silent;           /* frames in silences that have ended */
  struct audio_channel *of; /* [channel_count] */
};

void audio_measure_add(struct audio_measure *m, const double *samples,
                       int64_t frames);

/* Frames in silences altogether, the one that the sound ends with included. */
int64_t audio_measure_silent(const struct audio_measure *m);

#endif
