#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/cli.h"

/* The only mutable globals of the program: a signal handler can reach nothing else. */
static volatile sig_atomic_t stop_number;
static volatile sig_atomic_t hangups;

static void on_stop(int number)
{
    if (stop_number != 0) {
        static const char text[] =
            "\ninferbench: stopped at once; what was measured is in "
            "the journal: inferbench recover RAW_DIR\n";
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        (void)written;
        _exit(CLI_SIGNAL);
    }
    stop_number = number;
}

static void on_hangup(int number)
{
    (void)number;
    hangups = 1;
}

void stop_install(void)
{
    struct sigaction act = {.sa_handler = on_stop};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = on_hangup;
    act.sa_flags = SA_RESTART;
    sigaction(SIGHUP, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
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
