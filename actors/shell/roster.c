//  roster - who lives in this house, in the order of getting up
//
//  clock first: oplog asks it. Link before whatever else may be a CURVE server, since it holds the
//  authentication of the process. Admin last: when it answers, the node is ready. Those who let
//  work in (api, admin, scan, link) stop before those who do it.

#include "actors/shell/disk_real.h"
#include "actors/shell/node.h"

const roster_t roster_all[] = {
    {&clock_class, NULL},
    {&oplog_class, NULL},
    {&pool_class, NULL},
    {&link_class, &edge_link},
    {&scan_class, &edge_scan},
    {&ingest_class, NULL},
    {&admin_class, &edge_admin},
    {&api_class, &edge_api},
};

const size_t roster_count = sizeof roster_all / sizeof *roster_all;
