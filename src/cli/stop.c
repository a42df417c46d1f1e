#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/visible.h"
#include "cli/cli.h"

#define LAST_WORDS_BYTES 8192
#define STOPPED                       \
    "\ninferbench: stopped at once; " \
    "the journal has what was measured: "

/* The only mutable globals of the program: a signal handler can reach nothing else. */
static volatile sig_atomic_t stop_number;
static volatile sig_atomic_t hangups;
static char run_words[LAST_WORDS_BYTES];
static volatile sig_atomic_t has_run_words;

static void stop(int number, const char *at_once)
{
    if (stop_number != 0) {
        ssize_t written = write(STDERR_FILENO, at_once, strlen(at_once));
        (void)written;
        _exit(CLI_SIGNAL);
    }
    stop_number = number;
}

static void on_stop_run(int number)
{
    stop(number, has_run_words ? run_words : STOPPED "inferbench recover RAW_DIR\n");
}

static void on_stop_serve(int number)
{
    stop(number, "\nserve: stopped at once; the end of the log is missing\n");
}

static void on_stop_selftest(int number)
{
    stop(number, "\nselftest: stopped at once, no verdict was reached\n");
}

static void on_stop_sync(int number)
{
    stop(number,
         "\nmlflow: stopped at once; run the same command again to send the rest\n");
}

static void on_hangup(int number)
{
    (void)number;
    hangups = 1;
}

void stop_install(enum stop_what what)
{
    static void (*const handlers[])(int) = {[STOP_RUN] = on_stop_run,
                                            [STOP_SERVE] = on_stop_serve,
                                            [STOP_SELFTEST] = on_stop_selftest,
                                            [STOP_SYNC] = on_stop_sync};
    struct sigaction act = {.sa_handler = handlers[what]};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = on_hangup;
    act.sa_flags = SA_RESTART;
    sigaction(SIGHUP, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
}

void stop_name_recovery(const char *command)
{
    char visible[LAST_WORDS_BYTES - sizeof STOPPED - 1];
    (void)visible_copy(str_from(command), false, visible, sizeof visible);
    snprintf(run_words, sizeof run_words, STOPPED "%s\n", visible);
    has_run_words = 1;
}

bool stop_requested(void *unused)
{
    (void)unused;
    return stop_number != 0;
}

bool stop_hung_up(void)
{
    return hangups != 0;
}

int stop_signal(void)
{
    return stop_number;
}
