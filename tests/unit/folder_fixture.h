/* A folder of its own for a test. */
#ifndef TESTS_FOLDER_FIXTURE_H
#define TESTS_FOLDER_FIXTURE_H

#define FOLDER_FIXTURE_BYTES 64

void folder_fixture_make(char dir[FOLDER_FIXTURE_BYTES]);
/* With all that is in it; one that the test has removed is gone already. */
void folder_fixture_remove(const char *dir);
/* The same when this program ends. dir lives as long. */
void folder_fixture_remove_at_exit(const char *dir);

#endif
