#include "probe/tool_words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES 200

#define CURE_MISMATCH                                                                   \
    "An update has replaced the driver's library, and the old driver is still loaded: " \
    "reboot. In a container, its image brings another driver's library: remove that"
#define CURE_NVIDIA_LOAD                                                              \
    "The driver is not loaded: sudo modprobe nvidia; after an update of the kernel, " \
    "install the driver again and reboot"
#define CURE_NVIDIA_CONTAINER                                                         \
    "In a container: start it again with --gpus all (systemctl daemon-reload on the " \
    "host takes its devices away); else reboot"
#define CURE_NVIDIA_LOST   "Reboot; if it comes back, see Xid in dmesg"
#define CURE_NVIDIA_RIGHTS "The user needs access to /dev/nvidia*, a container --gpus all"
#define CURE_NVIDIA_NONE \
    "Is there a GPU (lspci)? A container needs --gpus all, WSL a current Windows driver"
#define CURE_NVIDIA_LIBRARY \
    "The driver's library is missing: install the driver; a container needs --gpus all"
#define CURE_NEURON_LOAD                                                             \
    "Load the driver: sudo modprobe neuron (package aws-neuronx-dkms); a container " \
    "needs --device /dev/neuron0"
#define CURE_NEURON_RIGHTS \
    "The user needs access to /dev/neuron*, a container --device /dev/neuron0"

/* Words that tools print, most particular first. */
static const struct {
    const char *words, *cure;
} cures[] = {
    {"version mismatch", CURE_MISMATCH},
    {"communicate with the NVIDIA driver", CURE_NVIDIA_LOAD},
    {"Driver Not Loaded", CURE_NVIDIA_LOAD},
    {"NVML: Unknown Error", CURE_NVIDIA_CONTAINER},
    {"NVML: Insufficient Permissions", CURE_NVIDIA_RIGHTS},
    {"GPU access blocked", CURE_NVIDIA_NONE},
    {"is lost", CURE_NVIDIA_LOST},
    {"fallen off the bus", CURE_NVIDIA_LOST},
    {"requires reset", CURE_NVIDIA_LOST},
    {"Unable to determine the device handle", CURE_NVIDIA_LOST},
    {"No devices were found", CURE_NVIDIA_NONE},
    {"libnvidia-ml", CURE_NVIDIA_LIBRARY},
    {"device information from the driver", CURE_NEURON_LOAD},
    {"discover neuron devices", CURE_NEURON_LOAD},
    {"No neuron device", CURE_NEURON_LOAD},
    {"has no neuron devices", CURE_NEURON_LOAD},
    {"compatible Driver version", CURE_NEURON_LOAD},
    {"aws-neuronx-dkms", CURE_NEURON_LOAD},
    {"/dev/neuron", CURE_NEURON_RIGHTS},
    {"Permission denied", "The user needs access to the device's files in /dev"},
};

static bool holds(struct str text, const char *words)
{
    size_t len = strlen(words);
    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp(text.ptr + i, words, len) == 0)
            return true;
    return false;
}

const char *tool_words_cure(struct str said)
{
    for (size_t i = 0; i < sizeof cures / sizeof *cures; i++)
        if (holds(said, cures[i].words))
            return cures[i].cure;
    return NULL;
}

/* The first line with anything in it. */
static struct str first_line(struct str said)
{
    struct str line = {"", 0};
    while (said.len > 0 && line.len == 0)
        line = str_trim(str_cut(&said, '\n'));
    return line;
}

void tool_words_say(const char *tool, const char *end, struct str said, char *out,
                    size_t size)
{
    struct str line = first_line(said);
    const char *cure = tool_words_cure(said);
    int len = (int)(line.len < LINE_MAX_BYTES ? line.len : LINE_MAX_BYTES);
    while (len > 0 && line.ptr[len - 1] == '.')
        len--;
    int n = len > 0 ? snprintf(out, size, "%.*s (%s %s). ", len, line.ptr, tool, end)
                    : snprintf(out, size, "%s %s. ", tool, end);
    if (n < 0 || (size_t)n >= size)
        return;
    size_t room = size - (size_t)n;
    if (cure != NULL)
        snprintf(out + n, room, "%s", cure);
    else
        snprintf(out + n, room, "Run %s to see more", tool);
}
