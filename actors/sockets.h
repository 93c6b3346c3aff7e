//  sockets - the numbers by which cores and their edges speak of sockets (EDGE_IN, EDGE_OUT, …)

#ifndef TIDEPOOL_SOCKETS_H
#define TIDEPOOL_SOCKETS_H

enum link_socket {
    LINK_PEERS, // listens for members (a ROUTER on every node/listen), and every DEALER that dials one
    LINK_DOOR // listens for invited clients, and the DEALER that knocks at a member's door
};

enum api_socket {
    API_REQUESTS, // ROUTER
    API_FEED,     // XPUB; EDGE_OUT with line 0
    API_INTAKE    // PULL
};

enum admin_socket {
    ADMIN_REQUESTS // ROUTER
};

//  Lines of connections that came in are even, those dialled are odd; none is used twice in a process.

#endif
