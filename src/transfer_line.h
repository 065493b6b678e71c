/* Transfers of FTP, SFTP and SMTP, each on a thread: in these protocols libcurl
 * waits for the server inside of a call (for FTP's 226, for the close of an
 * SFTP file, for SMTP's 250), and the loop would stand still. A line is such a
 * thread, its easy handle, and the connections that the handle keeps. */
#ifndef ORCH_TRANSFER_LINE_H
#define ORCH_TRANSFER_LINE_H

#include <curl/curl.h>
#include <stdbool.h>

struct line;
struct transfer;

/* Whether this is a URL for one. */
bool line_is_for(const char *url);

/* 0 or a negative libuv code. */
int lines_open(void);
/* Ends all of them; every transfer has its on_end before this returns. */
void lines_close(void);

/* An idle one that has talked to the same server, otherwise a new one; NULL: no
 * memory or no thread. Its easy handle has no options. */
struct line *line_take(const char *url);
CURL *line_easy(struct line *line);
/* `keep`: its connections are good for another transfer. */
void line_give(struct line *line, bool keep);

/* transfer->on_end follows, on the loop's thread, in any case. */
void line_start(struct line *line, struct transfer *transfer);
/* Hastens the end. */
void line_abort(struct line *line);
/* Bytes so far, also while it runs. */
void line_look(struct line *line, curl_off_t *received, curl_off_t *sent);

/* Closes the idle connections to a server: nobody needs them any more. */
void lines_hang_up(const char *url);

#endif
