/* Integers are counted, each value how often: the sums are exact, and a pass
 * over the pixels needs no floating point. */
#include "image_pixels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "image_arena.h"

void pixels_make(struct pixels *pixels) {
  pixels->data = arena_alloc(pixels_bytes(pixels));
}

/* ---- which pixels are looked at ---- */

struct spread {
  size_t total, wanted, step, at;
};

static size_t common_divisor(size_t a, size_t b) {
  while (b) {
    size_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Steps of the golden section hit every part of the picture, and no pixel
 * twice. */
static struct spread spread_over(const struct pixels *pixels, size_t sample) {
  size_t total = (size_t)pixels->width * (size_t)pixels->height;
  if (sample == 0 || sample >= total)
    return (struct spread){total, total, 1, 0};
  size_t step = (size_t)((double)total * 0.6180339887498949) + 1;
  while (common_divisor(step, total) != 1) step++;
  return (struct spread){total, sample, step, total / 2};
}

static inline size_t spread_next(struct spread *spread) {
  size_t at = spread->at;
  spread->at += spread->step;
  if (spread->at >= spread->total) spread->at -= spread->total;
  return at;
}

/* ---- statistics ---- */

enum { CHECK = 1 << 16 }; /* pixels between two looks at a cancellation */

static void count_8(const struct pixels *from, struct spread spread,
                    uint32_t *counts) {
  const uint8_t *data = from->data;
  int channels = from->channels;
  for (size_t i = 0; i < spread.wanted; i++) {
    if (i % CHECK == 0) arena_check();
    const uint8_t *pixel = data + spread_next(&spread) * (size_t)channels;
    for (int c = 0; c < channels; c++) counts[c << 8 | pixel[c]]++;
  }
}

static void count_16(const struct pixels *from, struct spread spread,
                     uint32_t *counts) {
  const uint16_t *data = from->data;
  int channels = from->channels;
  for (size_t i = 0; i < spread.wanted; i++) {
    if (i % CHECK == 0) arena_check();
    const uint16_t *pixel = data + spread_next(&spread) * (size_t)channels;
    for (int c = 0; c < channels; c++) counts[c << 16 | pixel[c]]++;
  }
}

static void measure_counts(const uint32_t *counts, int values, size_t n,
                           struct pixels_range *range) {
  int low = 0, high = values - 1;
  while (low < high && counts[low] == 0) low++;
  while (high > low && counts[high] == 0) high--;
  double sum = 0, squares = 0, top = values - 1;
  for (int v = low; v <= high; v++) sum += (double)v * counts[v];
  double mean = sum / (double)n;
  for (int v = low; v <= high; v++)
    squares += (v - mean) * (v - mean) * counts[v];
  *range = (struct pixels_range){low / top, high / top, mean / top,
                                 sqrt(squares / (double)n) / top};
}

static void measure_integers(const struct pixels *from, struct spread spread,
                             struct pixels_range *ranges) {
  int values = 1 << from->bits;
  size_t size = (size_t)values * (size_t)from->channels * sizeof(uint32_t);
  uint32_t *counts = arena_alloc(size);
  memset(counts, 0, size);
  if (from->bits == 8)
    count_8(from, spread, counts);
  else
    count_16(from, spread, counts);
  for (int c = 0; c < from->channels; c++)
    measure_counts(counts + (size_t)c * (size_t)values, values, spread.wanted,
                   &ranges[c]);
}

/* Welford 1962: one pass, and no cancellation of large sums. */
static void measure_floats(const struct pixels *from, struct spread spread,
                           struct pixels_range *ranges) {
  const float *data = from->data;
  double squares[4] = {0};
  for (int c = 0; c < from->channels; c++)
    ranges[c] = (struct pixels_range){INFINITY, -INFINITY, 0, 0};
  for (size_t i = 0; i < spread.wanted; i++) {
    if (i % CHECK == 0) arena_check();
    const float *pixel = data + spread_next(&spread) * (size_t)from->channels;
    for (int c = 0; c < from->channels; c++) {
      struct pixels_range *range = &ranges[c];
      double v = pixel[c], before = v - range->mean;
      if (v < range->min) range->min = v;
      if (v > range->max) range->max = v;
      range->mean += before / (double)(i + 1);
      squares[c] += before * (v - range->mean);
    }
  }
  for (int c = 0; c < from->channels; c++)
    ranges[c].deviation = sqrt(squares[c] / (double)spread.wanted);
}

void pixels_measure(const struct pixels *from, size_t sample,
                    struct pixels_range *ranges) {
  struct spread spread = spread_over(from, sample);
  if (from->bits == 32)
    measure_floats(from, spread, ranges);
  else
    measure_integers(from, spread, ranges);
}

/* ---- one picture from another ---- */

void pixels_channel(const struct pixels *from, int channel, struct pixels *to) {
  *to = (struct pixels){from->width, from->height, 1, from->bits, NULL};
  pixels_make(to);
  size_t size = (size_t)from->bits / 8, step = size * (size_t)from->channels;
  const char *source = (const char *)from->data + (size_t)channel * size;
  char *target = to->data;
  size_t n = pixels_values(to);
  for (size_t i = 0; i < n; i++) {
    if (i % CHECK == 0) arena_check();
    memcpy(target + i * size, source + i * step, size);
  }
}

/* IEC 61966-2-1 */
static double srgb_of(double linear) {
  if (!(linear > 0)) return 0; /* NaN as well */
  if (linear >= 1) return 1;
  return linear <= 0.0031308 ? linear * 12.92
                             : 1.055 * pow(linear, 1 / 2.4) - 0.055;
}

static uint8_t narrow(const struct pixels *from, size_t i) {
  if (from->bits == 16)
    return (uint8_t)((((const uint16_t *)from->data)[i] * 255u + 32767) /
                     65535);
  double value = ((const float *)from->data)[i];
  bool is_alpha = pixels_have_alpha(from) &&
                  (int)(i % (size_t)from->channels) == from->channels - 1;
  if (!is_alpha) value = srgb_of(value);
  return (uint8_t)(fmin(fmax(value, 0), 1) * 255 + 0.5);
}

void pixels_narrow(const struct pixels *from, struct pixels *to) {
  *to = (struct pixels){from->width, from->height, from->channels, 8, NULL};
  pixels_make(to);
  size_t n = pixels_values(from);
  if (from->bits == 8) {
    memcpy(to->data, from->data, n);
    return;
  }
  for (size_t i = 0; i < n; i++) {
    if (i % CHECK == 0) arena_check();
    ((uint8_t *)to->data)[i] = narrow(from, i);
  }
}

static inline double get(const struct pixels *from, size_t i) {
  if (from->bits == 8) return ((const uint8_t *)from->data)[i] / 255.0;
  if (from->bits == 16) return ((const uint16_t *)from->data)[i] / 65535.0;
  return (double)((const float *)from->data)[i];
}

static inline void set(struct pixels *to, size_t i, double value) {
  if (to->bits == 8)
    ((uint8_t *)to->data)[i] = (uint8_t)(value * 255 + 0.5);
  else if (to->bits == 16)
    ((uint16_t *)to->data)[i] = (uint16_t)(value * 65535 + 0.5);
  else
    ((float *)to->data)[i] = (float)value;
}

void pixels_normalize(struct pixels *pixels) {
  size_t n = pixels_values(pixels), step = (size_t)pixels->channels;
  for (size_t i = 0; i < n; i += step) {
    if (i % (step * CHECK) == 0) arena_check();
    double v[3], length = 0;
    for (size_t c = 0; c < 3; c++) {
      v[c] = get(pixels, i + c) * 2 - 1;
      length += v[c] * v[c];
    }
    length = sqrt(length);
    if (!(length > 1e-6)) continue; /* no direction to keep */
    for (size_t c = 0; c < 3; c++)
      set(pixels, i + c, v[c] / length * 0.5 + 0.5);
  }
}

/* ---- two pictures ---- */

static inline void get_pixel(const struct pixels *from, size_t i, double *to) {
  size_t at = i * (size_t)from->channels;
  to[0] = to[1] = to[2] = get(from, at);
  if (from->channels > 2) {
    to[1] = get(from, at + 1);
    to[2] = get(from, at + 2);
  }
  to[3] = 1;
  if (pixels_have_alpha(from)) to[3] = get(from, at + from->channels - 1);
}

/* NaN differs from everything, as a whole. */
static inline double distance(double a, double b) {
  double d = fabs(a - b);
  return d <= 1 ? d : a == b ? 0 : 1;
}

void pixels_compare(const struct pixels *a, const struct pixels *b,
                    double tolerance, double gain, struct pixels *to,
                    struct pixels_difference *difference) {
  *to = (struct pixels){a->width, a->height, 3, 8, NULL};
  pixels_make(to);
  uint8_t *target = to->data;
  size_t n = (size_t)a->width * (size_t)a->height;
  bool alpha = pixels_have_alpha(a) || pixels_have_alpha(b);
  double sum = 0;
  *difference = (struct pixels_difference){0};
  for (size_t i = 0; i < n; i++) {
    if (i % CHECK == 0) arena_check();
    double p[4], q[4], largest = 0;
    get_pixel(a, i, p);
    get_pixel(b, i, q);
    for (int c = 0; c < 4; c++) {
      p[c] = distance(p[c], q[c]);
      sum += p[c];
      if (p[c] > largest) largest = p[c];
    }
    for (int c = 0; c < 3; c++) /* a difference in alpha is a grey one */
      target[i * 3 + c] =
          (uint8_t)(fmin(fmax(p[c], p[3]) * gain, 1) * 255 + 0.5);
    if (largest > difference->max) difference->max = largest;
    if (largest > tolerance) difference->count++;
  }
  difference->mean = sum / ((double)n * (alpha ? 4 : 3));
}
