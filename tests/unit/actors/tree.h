//  tree - a file system in memory, behind the scanner's table of calls
//
//  Paths are absolute ("/home/a"), without a closing slash. Each change moves the tree's clock by a second and tells the watches.

#ifndef TIDEPOOL_TEST_TREE_H
#define TIDEPOOL_TEST_TREE_H

#include "actors/disk.h"

#define TREE_NODES_MAX 8192

typedef struct tree_inode {
    uint32_t mode;
    uint64_t number, modified, created, links;
    char content[512];
    size_t size;
    bool unreadable, watched, mount;
    bool unseen; // listed by its name alone: it cannot be looked at
} tree_inode_t;

typedef struct tree_node {
    struct tree_node *parent;
    char name[256];
    tree_inode_t *inode;
    bool used;
} tree_node_t;

typedef struct tree {
    disk_t disk;
    tree_node_t nodes[TREE_NODES_MAX];
    tree_inode_t inodes[TREE_NODES_MAX];
    size_t inode_count;
    uint64_t time;   // NTP
    buffer_t events; // packed, as in scan_events
    size_t event_count;
    size_t watch_max; // 0: no bound
    size_t watch_count;
    size_t opens;         // of directories, so far
    size_t open_count;    // handles, to find those that leak
    size_t reads;         // of files' content
    const char *restless; // while it is read, this file is written, …
    int restless_left;    // … so many times still
    size_t items_max;     // the most that were worked on at once
} tree_t;

tree_t *tree_new (void);
void tree_destroy (tree_t **self_p);
void tree_mkdir (tree_t *self, const char *path);
void tree_write (
    tree_t *self, const char *path, const char *content); // makes it, or changes it in place
void tree_symlink (tree_t *self, const char *path, const char *to);
void tree_special (tree_t *self, const char *path); // a fifo
void tree_link (tree_t *self, const char *from, const char *to);
void tree_remove (tree_t *self, const char *path);                 // with all below
void tree_rename (tree_t *self, const char *from, const char *to); // over what is there
tree_inode_t *tree_inode (tree_t *self, const char *path);
void tree_chmod (tree_t *self, const char *path, uint32_t mode);
void tree_lock (tree_t *self, const char *path, bool locked);

#endif
