/* Paths of a server's calls, of which parts come from the server: what it calls a run or
 * a file may lead nowhere but below the path that it stands behind. */
#ifndef TRACK_MLFLOW_PATH_H
#define TRACK_MLFLOW_PATH_H

#include "base/buf.h"
#include "base/status.h"

/* Appends a text as one part of a URL: what means something there is escaped. */
void mlflow_path_escape(struct buf *out, const char *text);
/* Appends a path of several parts, escaped, without empty ones. BAD_INPUT: "." or ".." is
 * among them. */
MUST_CHECK enum status mlflow_path_add(struct buf *out, const char *path, struct err *e);

#endif
