/* A complete request is answered at once, or its answer is planned. */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include "serve/stream.h"

/* c->request is done; what is to become of the connection. */
enum stream_next route_request(struct server *s, struct conn *c);
/* c->request is bad: it is told so, and the connection ends. */
enum stream_next route_bad(struct server *s, struct conn *c);

#endif
