/* libcurl's callbacks for an exchange. */
#ifndef ORCH_HTTP_CALLBACK_H
#define ORCH_HTTP_CALLBACK_H

#include "http_exchange.h"

/* Before it starts, when its body and its options are known. */
void http_callbacks_set(struct exchange *exchange);

#endif
