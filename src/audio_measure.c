#include "audio_measure.h"

#include <math.h>

static void add_sample(struct audio_channel *c, double value, double scale) {
  double size = fabs(value);
  if (!(size <= LARGEST)) {
    c->non_finite++;
    c->run = 0;
    return;
  }
  if (size > c->peak) c->peak = size;
  c->sum += value;
  c->square += value * value;
  c->run = size >= scale ? c->run + 1 : 0;
  if (c->run == CLIPPED_RUN) c->clipped += CLIPPED_RUN - 1;
  if (c->run >= CLIPPED_RUN) c->clipped++;
}

static bool long_enough(const struct audio_measure *m) {
  return m->quiet_run > 0 && m->quiet_run >= m->shortest;
}

static void add_quiet(struct audio_measure *m, bool quiet) {
  if (quiet) {
    m->quiet_run++;
    return;
  }
  if (m->quiet_run == m->frames) m->lead = m->quiet_run;
  if (long_enough(m)) m->silent += m->quiet_run;
  m->quiet_run = 0;
}

void audio_measure_add(struct audio_measure *m, const double *samples,
                       int64_t frames) {
  for (int64_t i = 0; i < frames; i++) {
    bool quiet = true;
    for (int c = 0; c < m->channel_count; c++) {
      double value = *samples++;
      add_sample(&m->of[c], value, m->full_scale);
      /* NaN is no silence. */
      if (!(fabs(value) <= m->quiet)) quiet = false;
    }
    add_quiet(m, quiet);
    m->frames++;
  }
}

int64_t audio_measure_silent(const struct audio_measure *m) {
  return m->silent + (long_enough(m) ? m->quiet_run : 0);
}
