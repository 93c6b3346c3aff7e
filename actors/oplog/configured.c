//  oplog_configured - what the configuration declares, at the start

#include "actors/declarations.h"
#include "actors/oplog/oplog.h"

#include <stdio.h>

static int declare_configured (const config_t *config, step_t *step, bool derived)
{
    const char *difference = NULL;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < config->resource_count; at++) {
        const resource_t *resource = &config->resources[at];
        if ((resource->kind == RESOURCE_DERIVED) != derived)
            continue;
        rc = resources_declare (step->txn, resource, &difference);
        resource_entry_t stored;
        char why[DECLARATIONS_TEXT_SIZE];
        if (rc == ERR_CONFLICTING_DECLARATION &&
            resources_find (step->txn, slice_text (resource->name), &stored) == 0)
            resource_difference (&stored.resource, resource, why, sizeof why);
        else
            snprintf (why, sizeof why, "%s", error_text (rc));
        if (rc)
            step_say (step, SAY_ERROR, "resource %s of the configuration is declared otherwise: %s",
                resource->name, why);
    }
    return rc;
}

//  The configuration goes first, but for what derives from a default; a fresh node adds the defaults.
static int declare_all (const config_t *config, step_t *step, bool fresh)
{
    const char *difference = NULL;
    int rc = declare_configured (config, step, false);
    for (size_t at = 0; rc == 0 && fresh && at < resource_default_count; at++) {
        rc = resources_declare (step->txn, &resource_defaults[at], &difference);
        if (rc == ERR_CONFLICTING_DECLARATION)
            rc = 0;
    }
    return rc ? rc : declare_configured (config, step, true);
}

int oplog_configured (const config_t *config, step_t *step)
{
    resource_entry_t first;
    int rc = resources_next (step->txn, slice_text (""), &first);
    return rc == 0 || rc == ERR_NOT_FOUND ? declare_all (config, step, rc == ERR_NOT_FOUND) : rc;
}
