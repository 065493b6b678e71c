/* Which of libcurl's sockets are ready: one epoll set of our own, which is one
 * handle in the loop. A kept-alive connection stays in the set between two
 * requests, so that a request on it costs no call to change the set. */
#ifndef ORCH_TRANSFER_SOCKET_H
#define ORCH_TRANSFER_SOCKET_H

#include <curl/curl.h>
#include <stdbool.h>

/* `on_ready` gets the socket, who wanted it and CURL_CSELECT_ bits, 0 after an
 * error or a hang-up: libcurl then finds the reason itself. `on_batch` follows
 * the last of those that were ready together. 0 or a negative libuv code. */
int transfer_sockets_open(void (*on_ready)(void *owner, curl_socket_t fd,
                                           int bits),
                          void (*on_batch)(void));
void transfer_sockets_close(void);

/* Whether the loop must go on for them. */
void transfer_sockets_needed(bool needed);

/* libcurl's CURL_POLL_ value for a socket. */
void transfer_socket_want(curl_socket_t fd, int what, void *owner);

/* How many are open, busy or idle. */
unsigned transfer_sockets_count(void);

/* For CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION. */
curl_socket_t transfer_socket_open(void *unused, curlsocktype purpose,
                                   struct curl_sockaddr *address);
int transfer_socket_close(void *unused, curl_socket_t fd);

#endif
