/* Is a file of users plain UTF-8? If not, what it is and how to make it so. */
#ifndef TEXT_ENCODING_H
#define TEXT_ENCODING_H

#include "base/status.h"
#include "base/str.h"

/* BAD_INPUT for what is compressed, packed, of another encoding, or no text. `path`: for
 * the message, with the line where there is one. */
MUST_CHECK enum status encoding_check(struct str content, const char *path,
                                      struct err *e);
/* The same by its first bytes alone: what is damaged further on is not judged. */
MUST_CHECK enum status encoding_check_start(struct str content, const char *path,
                                            struct err *e);

#endif
