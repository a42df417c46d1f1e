/* What a connection's bytes mean: requests are answered, and answers go on when they are
 * due. Each call may close the connection: look at its state afterwards. */
#ifndef SERVE_EXCHANGE_H
#define SERVE_EXCHANGE_H

#include "serve/conn.h"
#include "serve/server.h"

/* The socket may hold bytes; is_hangup: the peer may have closed behind them. */
void exchange_readable(struct server *s, struct conn *c, bool is_hangup);
/* There is room in the socket again. */
void exchange_writable(struct server *s, struct conn *c);
/* The instant has come that was set for this connection. */
void exchange_due(struct server *s, struct conn *c);
/* Ends it; an answer on its way is logged with that outcome. */
void exchange_close(struct server *s, struct conn *c, const char *outcome);

#endif
