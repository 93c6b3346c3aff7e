//  limits - every bound that a decoder, an edge or a queue keeps to, in one place

#ifndef TIDEPOOL_LIMITS_H
#define TIDEPOOL_LIMITS_H

#define LIMIT_DEPTH            16           // nesting of any msgpack value that comes in
#define LIMIT_ELEMENTS         (1u << 20)   // elements across all nesting of one message
#define LIMIT_NAME_BYTES       128          // a resource, a property or a client name
#define LIMIT_VALUE_BYTES      (1u << 20)   // an encoded value, unless max_value_bytes says less
#define LIMIT_PROPERTIES       1024         // properties of one record
#define LIMIT_RESOURCES        1024         // declared resources of a pool
#define LIMIT_MEMBERS          4096         // clients of a pool, removed ones included
#define LIMIT_ENDPOINTS        16           // endpoints of one client
#define LIMIT_ENDPOINT_BYTES   256          // one endpoint
#define LIMIT_REQUEST_BYTES    (4u << 20)   // one message of an app
#define LIMIT_REQUEST_OPS      50000        // operations in one request
#define LIMIT_BATCH_BYTES      (6u << 20)   // a sealed batch: one request and its envelope
#define LIMIT_RETURN_BYTES     (64u << 20)  // a batch that issues anew: all that a return brings
#define LIMIT_SEAL_BYTES       (512u << 10) // group commit stops adding requests to a batch here
#define LIMIT_SEAL_OPS         20000        // and here
#define LIMIT_PEER_FRAME_BYTES (1u << 20)   // one frame between peers
#define LIMIT_CHUNK_BYTES      (512u << 10) // payload of one message between peers
#define LIMIT_CREDIT_BYTES     (4u << 20)   // in flight to one peer, unacknowledged
#define LIMIT_PAGE_BYTES       (1u << 20)   // a page of `list` or `changes`
#define LIMIT_PAGE_RECORDS     10000        // records in a page
#define LIMIT_PATH_BYTES       (64u << 10)  // a path below a location

#endif
