/* Texts of objects, such as lines of a journal, read. */
#ifndef OBJECT_FIXTURE_H
#define OBJECT_FIXTURE_H

#include "text/jsonr_object.h"

/* The text must live as long as the object, which is valid until the next call; a text
 * that is no object fails the test. */
struct jsonr_object *object_fixture(const char *text);
void object_fixture_fini(void);

#endif
