/* Pixels in memory, and what is computed from them. Everything runs inside of
 * arena_run, on a pool thread. */
#ifndef ORCH_IMAGE_PIXELS_H
#define ORCH_IMAGE_PIXELS_H

#include <stdbool.h>
#include <stddef.h>

/* Rows from the top, without padding; 1 grey, 2 grey and alpha, 3 RGB, 4 RGB
 * and alpha. */
struct pixels {
  int width, height, channels;
  int bits; /* 8, 16, or 32: linear floats */
  void *data;
};

static inline size_t pixels_values(const struct pixels *pixels) {
  return (size_t)pixels->width * (size_t)pixels->height *
         (size_t)pixels->channels;
}

static inline size_t pixels_bytes(const struct pixels *pixels) {
  return pixels_values(pixels) * (size_t)(pixels->bits / 8);
}

static inline bool pixels_have_alpha(const struct pixels *pixels) {
  return pixels->channels % 2 == 0;
}

/* Sets the data of one whose size is set. */
void pixels_make(struct pixels *pixels);

/* From 0 to 1; of floats as they are. */
struct pixels_range {
  double min, max, mean, deviation;
};

/* Of each channel; of about `sample` pixels spread over all, 0: of all. */
void pixels_measure(const struct pixels *from, size_t sample,
                    struct pixels_range *ranges);

/* One channel as a grey picture. */
void pixels_channel(const struct pixels *from, int channel, struct pixels *to);

/* 8 bits per channel; floats are cut at 1 and get the curve of sRGB. */
void pixels_narrow(const struct pixels *from, struct pixels *to);

/* The vectors of a normal map, made one unit long again; in place. */
void pixels_normalize(struct pixels *pixels);

struct pixels_difference {
  double max, mean; /* of all channels; 0 to 1 */
  size_t count;     /* pixels with a channel that differs by more than that */
};

/* Two of one size; grey stands for three equal channels, and no alpha for an
 * opaque one. `to` has the differences, `gain` times as bright. */
void pixels_compare(const struct pixels *a, const struct pixels *b,
                    double tolerance, double gain, struct pixels *to,
                    struct pixels_difference *difference);

#endif
