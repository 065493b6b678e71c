/* URLs that were asked for lately, taken apart already: libcurl spends a tenth
 * of a small request on that. No Lua here. */
#ifndef ORCH_HTTP_KNOWN_URL_H
#define ORCH_HTTP_KNOWN_URL_H

#include <curl/curl.h>

/* Valid until it is given back, once for each take; NULL: libcurl should parse
 * the URL by itself (and say what is wrong with it). */
struct known_url;
struct known_url *known_url_take(const char *url);
void known_url_give(struct known_url *known);

CURLU *known_url_parts(struct known_url *known);
void known_url_forget_all(void); /* at the end; none may be taken */

#endif
