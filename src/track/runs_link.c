#include "track/runs_link.h"

const char *runs_link(const struct account *server, const char *experiment_id,
                      const char *run_id, struct arena *a)
{
    const char *workspace = server->workspace;
    /* searchFilter: tags.is_warmup = 'False' [and tags.run_id = '...'] */
    return arena_printf(a,
                        "%s/#/experiments/%s/runs?searchFilter=tags.is_warmup%%20%%3D%%20"
                        "'False'%s%s%s&workflowType=machine_learning%s%s",
                        server->base, experiment_id,
                        run_id != NULL ? "%20and%20tags.run_id%20%3D%20'" : "",
                        run_id != NULL ? run_id : "", run_id != NULL ? "'" : "",
                        workspace != NULL ? "&workspace=" : "",
                        workspace != NULL ? workspace : "");
}
