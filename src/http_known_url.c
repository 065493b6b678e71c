/* One place for each hash: a URL takes the place of one that nobody uses. */
#include "http_known_url.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 64, LONGEST = 2048 };

struct known_url {
  char *url;
  CURLU *parts; /* NULL: the place is free */
  unsigned users;
};

static struct known_url places[PLACES];

static struct known_url *place_of(const char *url, size_t *size) {
  unsigned hash = 5381;
  const char *c = url;
  for (; *c; c++) hash = hash * 33 + (unsigned char)*c;
  *size = (size_t)(c - url) + 1;
  return &places[(hash ^ hash >> 16) % PLACES];
}

static void forget(struct known_url *known) {
  free(known->url);
  curl_url_cleanup(known->parts);
  *known = (struct known_url){0};
}

static int learn(struct known_url *known, const char *url, size_t size) {
  known->url = malloc(size);
  known->parts = curl_url();
  if (known->url && known->parts &&
      curl_url_set(known->parts, CURLUPART_URL, url,
                   CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
    memcpy(known->url, url, size);
    return 1;
  }
  forget(known);
  return 0;
}

struct known_url *known_url_take(const char *url) {
  size_t size;
  struct known_url *known = place_of(url, &size);
  if (known->parts == NULL || strcmp(known->url, url) != 0) {
    if (known->users > 0 || size > LONGEST) return NULL;
    forget(known);
    if (!learn(known, url, size)) return NULL;
  }
  known->users++;
  return known;
}

void known_url_give(struct known_url *known) {
  known->users--;
}

CURLU *known_url_parts(struct known_url *known) {
  return known->parts;
}

void known_url_forget_all(void) {
  for (int i = 0; i < PLACES; i++) forget(&places[i]);
}
