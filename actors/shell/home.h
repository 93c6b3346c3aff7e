//  home - the data directory
//
//      DIR/               0700
//          identity.key   0600  the seed of the identity, 64 hex digits: the secret
//          node.zpl       0600  the configuration
//          lock                 held by the running node (flock): decides who owns the directory
//          data.mdb …           the store
//          *.sock         0600  the endpoints, unless configured elsewhere
//          endpoints.zpl  0600  written by a running node, removed when it stops
//
//  Secrets are made anew and renamed, never written over: overwriting a loose file leaves the
//  secret readable.

#ifndef TIDEPOOL_HOME_H
#define TIDEPOOL_HOME_H

#include "actors/shell/why.h"
#include "messages/keys.h"

typedef struct home {
    char dir[256]; // absolute
    int lock;      // descriptor; -1: not held
} home_t;

//  Makes a data directory with an identity and a configuration that holds the sets
//  ("SECTION/KEY=VALUE"). The directory may be there if it is empty. ERR_EXISTS if a node lives
//  there already, ERR_BAD_CONFIGURATION, ERR_SYSTEM. ret_identity may be NULL.
int home_create (const char *dir, const char *const *sets, size_t set_count,
    identity_t *ret_identity, why_t *why);

//  Makes the directory, if it is not there and empty, and nothing in it. ERR_EXISTS, ERR_SYSTEM.
int home_make (const char *dir, home_t *ret_home, why_t *why);

//  Finds the directory and refuses one whose modes are loose. Locks nothing. ERR_NOT_FOUND,
//  ERR_NOT_ALLOWED.
int home_open (const char *dir, home_t *ret_home, why_t *why);

//  ERR_IN_USE if another node holds it.
int home_lock (home_t *self, why_t *why);
void home_release (home_t *self);

int home_identity (const home_t *self, identity_t *ret_identity, why_t *why);

//  Puts a file of mode 0600 in its place whole: written beside it, synced, renamed.
int home_write (const home_t *self, const char *name, slice_t content, why_t *why);
void home_remove (const home_t *self, const char *name);

//  "DIR/name".
void home_path (const home_t *self, const char *name, char *ret_path, size_t size);

#endif
