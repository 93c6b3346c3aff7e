//  tree - a file system in memory

#include "tests/unit/actors/tree.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "messages/mail.h"

struct disk_dir {
    tree_t *tree;
    tree_node_t *node;
    size_t at;
};

struct disk_file {
    tree_inode_t *inode;
    size_t at;
};

//  ---- nodes

static tree_node_t *node_below (tree_t *self, tree_node_t *parent, slice_t name)
{
    for (size_t i = 1; i < TREE_NODES_MAX; i++)
        if (self->nodes[i].used && self->nodes[i].parent == parent &&
            slice_equal (slice_text (self->nodes[i].name), name))
            return &self->nodes[i];
    return NULL;
}

static tree_node_t *node_at (tree_t *self, tree_node_t *from, slice_t path)
{
    size_t at = 0;
    while (from && at < path.size) {
        size_t end = at;
        while (end < path.size && path.data[end] != '/')
            end++;
        if (end > at)
            from = S_ISDIR (from->inode->mode)
                       ? node_below (self, from, slice_of (path.data + at, end - at))
                       : NULL;
        at = end + 1;
    }
    return from;
}

static tree_node_t *node_of (tree_t *self, const char *path)
{
    return node_at (self, &self->nodes[0], slice_text (path));
}

static tree_node_t *parent_of (tree_t *self, const char *path, const char **ret_name)
{
    const char *slash = strrchr (path, '/');
    *ret_name = slash + 1;
    tree_node_t *parent = node_at (self, &self->nodes[0], slice_of (path, (size_t)(slash - path)));
    assert (parent);
    return parent;
}

static void tell (tree_t *self, const tree_node_t *dir, uint64_t flags, const char *name)
{
    if (!dir->inode->watched)
        return;
    pack_array (&self->events, 3);
    pack_uint (&self->events, dir->inode->number);
    pack_uint (&self->events, flags);
    pack_bin (&self->events, slice_text (name));
    self->event_count++;
}

static void touch (tree_t *self, tree_inode_t *inode)
{
    self->time += 1ull << 32;
    inode->modified = self->time;
}

static tree_inode_t *inode_new (tree_t *self, uint32_t mode)
{
    tree_inode_t *inode = &self->inodes[self->inode_count++];
    inode->mode = mode;
    inode->number = 100 + self->inode_count;
    touch (self, inode);
    inode->created = inode->modified;
    return inode;
}

static tree_node_t *node_new (tree_t *self, const char *path, tree_inode_t *inode)
{
    const char *name;
    tree_node_t *parent = parent_of (self, path, &name);
    size_t i = 1;
    while (self->nodes[i].used)
        i++;
    tree_node_t *node = &self->nodes[i];
    *node = (tree_node_t){.parent = parent, .inode = inode, .used = true};
    inode->links++;
    memcpy (node->name, name, strlen (name) + 1);
    touch (self, parent->inode);
    tell (self, parent, WATCH_CHANGED | (S_ISDIR (inode->mode) ? WATCH_ARRIVED : 0), name);
    return node;
}

void tree_mkdir (tree_t *self, const char *path)
{
    node_new (self, path, inode_new (self, S_IFDIR | 0755));
}

void tree_write (tree_t *self, const char *path, const char *content)
{
    tree_node_t *node = node_of (self, path);
    if (!node)
        node = node_new (self, path, inode_new (self, S_IFREG | 0644));
    node->inode->size = strlen (content);
    memcpy (node->inode->content, content, strlen (content));
    touch (self, node->inode);
    tell (self, node->parent, WATCH_CHANGED, node->name);
}

void tree_symlink (tree_t *self, const char *path, const char *to)
{
    node_new (self, path, inode_new (self, S_IFLNK | 0777))->inode->size = strlen (to);
}

void tree_special (tree_t *self, const char *path)
{
    node_new (self, path, inode_new (self, S_IFIFO | 0600));
}

void tree_link (tree_t *self, const char *from, const char *to)
{
    node_new (self, to, node_of (self, from)->inode);
}

static void node_remove (tree_t *self, tree_node_t *node)
{
    for (size_t i = 1; i < TREE_NODES_MAX; i++)
        if (self->nodes[i].used && self->nodes[i].parent == node)
            node_remove (self, &self->nodes[i]);
    tell (self, node->parent, WATCH_CHANGED, node->name);
    if (node->inode->watched)
        tell (self, node, WATCH_GONE, "");
    node->inode->watched = false;
    touch (self, node->parent->inode);
    node->inode->links--;
    node->used = false;
}

void tree_remove (tree_t *self, const char *path)
{
    node_remove (self, node_of (self, path));
}

void tree_rename (tree_t *self, const char *from, const char *to)
{
    const char *name;
    tree_node_t *node = node_of (self, from), *target = node_of (self, to);
    if (target)
        node_remove (self, target);
    uint64_t is_dir = S_ISDIR (node->inode->mode);
    tell (self, node->parent, WATCH_CHANGED | (is_dir ? WATCH_LEFT : 0), node->name);
    touch (self, node->parent->inode);
    node->parent = parent_of (self, to, &name);
    memcpy (node->name, name, strlen (name) + 1);
    touch (self, node->parent->inode);
    tell (self, node->parent, WATCH_CHANGED | (is_dir ? WATCH_ARRIVED : 0), name);
}

tree_inode_t *tree_inode (tree_t *self, const char *path)
{
    return node_of (self, path)->inode;
}

void tree_chmod (tree_t *self, const char *path, uint32_t mode)
{
    const tree_node_t *node = node_of (self, path);
    node->inode->mode = (node->inode->mode & S_IFMT) | mode;
    tell (self, node->parent, WATCH_CHANGED, node->name);
}

void tree_lock (tree_t *self, const char *path, bool locked)
{
    node_of (self, path)->inode->unreadable = locked;
}

//  ---- the table

static uint64_t device_of (const tree_node_t *node)
{
    while (node && !node->inode->mount)
        node = node->parent;
    return node ? 8 : 7;
}

static entry_t entry_of (const tree_node_t *node)
{
    const tree_inode_t *inode = node->inode;
    return (entry_t){.name = slice_text (node->name),
        .mode = inode->mode,
        .size = inode->size,
        .modified = inode->modified,
        .created = inode->created,
        .device = device_of (node),
        .inode = inode->number,
        .links = inode->links,
        .mount = inode->mount};
}

static int tree_open (
    void *self_, disk_dir_t *parent, slice_t path, disk_dir_t **ret_dir, entry_t *ret_entry)
{
    tree_t *self = self_;
    tree_node_t *node = node_at (self, parent ? parent->node : &self->nodes[0], path);
    self->opens++;
    if (!node || !S_ISDIR (node->inode->mode))
        return ERR_NOT_FOUND;
    if (node->inode->unreadable)
        return ERR_NOT_ALLOWED;
    disk_dir_t *dir = calloc (1, sizeof *dir);
    *dir = (disk_dir_t){self, node, 1};
    self->open_count++;
    *ret_dir = dir;
    *ret_entry = entry_of (node);
    return 0;
}

static int tree_list (void *self_, disk_dir_t *dir, entry_t *entries, size_t most,
    size_t *ret_count, size_t *ret_unreadable)
{
    tree_t *self = self_;
    *ret_count = *ret_unreadable = 0;
    for (; dir->at < TREE_NODES_MAX && *ret_count < most; dir->at++) {
        tree_node_t *node = &self->nodes[dir->at];
        if (!node->used || node->parent != dir->node)
            continue;
        if (node->inode->unseen)
            ++*ret_unreadable;
        else
            entries[(*ret_count)++] = entry_of (node);
    }
    return 0;
}

static int tree_look (void *self, disk_dir_t *dir, slice_t name, entry_t *ret_entry)
{
    tree_node_t *node = node_below (self, dir->node, name);
    if (!node)
        return ERR_NOT_FOUND;
    *ret_entry = entry_of (node);
    return 0;
}

static void tree_close (void *self_, disk_dir_t *dir)
{
    tree_t *self = self_;
    self->open_count--;
    free (dir);
}

static int tree_watch (void *self_, disk_dir_t *dir, uint64_t *ret_watch)
{
    tree_t *self = self_;
    tree_inode_t *inode = dir->node->inode;
    if (!inode->watched && self->watch_max && self->watch_count == self->watch_max)
        return ERR_TOO_LARGE;
    self->watch_count += !inode->watched;
    inode->watched = true;
    *ret_watch = inode->number;
    return 0;
}

static void tree_unwatch (void *self_, uint64_t watch)
{
    tree_t *self = self_;
    for (size_t i = 0; i < self->inode_count; i++)
        if (self->inodes[i].number == watch) {
            self->watch_count -= self->inodes[i].watched;
            self->inodes[i].watched = false;
        }
}

static int tree_file_open (
    void *self_, disk_dir_t *dir, slice_t name, disk_file_t **ret_file, entry_t *ret_entry)
{
    tree_t *self = self_;
    tree_node_t *node = node_below (self, dir->node, name);
    if (!node || !S_ISREG (node->inode->mode))
        return ERR_NOT_FOUND;
    if (node->inode->unreadable)
        return ERR_NOT_ALLOWED;
    disk_file_t *file = calloc (1, sizeof *file);
    file->inode = node->inode;
    self->open_count++;
    *ret_file = file;
    if (ret_entry)
        *ret_entry = entry_of (node);
    return 0;
}

static int tree_file_read (
    void *self_, disk_file_t *file, void *bytes, size_t most, size_t *ret_size)
{
    tree_t *self = self_;
    size_t size = file->inode->size - file->at;
    size = size < most ? size : most;
    memcpy (bytes, file->inode->content + file->at, size);
    file->at += size;
    self->reads++;
    *ret_size = size;
    char text[32];
    snprintf (text, sizeof text, "%d more", self->restless_left - 1);
    if (self->restless_left && file->inode == tree_inode (self, self->restless)) {
        self->restless_left--;
        tree_write (self, self->restless, text);
    }
    return 0;
}

static int tree_file_look (void *self, disk_file_t *file, entry_t *ret_entry)
{
    (void)self;
    tree_node_t node = {.inode = file->inode};
    *ret_entry = entry_of (&node);
    return 0;
}

static void tree_file_close (void *self_, disk_file_t *file)
{
    tree_t *self = self_;
    self->open_count--;
    free (file);
}

static int tree_file_seek (void *self, disk_file_t *file, uint64_t at)
{
    (void)self;
    file->at = at < file->inode->size ? at : file->inode->size;
    return 0;
}

static const char *tree_mime (void *self, size_t worker, slice_t head)
{
    (void)self;
    (void)worker;
    if (head.size >= 4 && memcmp (head.data, "\x89PNG", 4) == 0)
        return "image/png";
    return head.size ? "text/plain" : "inode/x-empty";
}

static void tree_each (void *self_, void (*work) (void *context, size_t item, size_t worker),
    void *context, size_t count)
{
    tree_t *self = self_;
    self->items_max = count > self->items_max ? count : self->items_max;
    //  Backwards, and each by another worker: nothing may depend on who does what, and when.
    for (size_t i = count; i > 0; i--)
        work (context, i - 1, i % DISK_WORKERS_MAX);
}

tree_t *tree_new (void)
{
    tree_t *self = calloc (1, sizeof *self);
    assert (self);
    self->time = 1700000000ull << 32;
    self->nodes[0] = (tree_node_t){.inode = inode_new (self, S_IFDIR | 0755), .used = true};
    self->disk = (disk_t){self, tree_open, tree_list, tree_look, tree_close, tree_watch,
        tree_unwatch, tree_file_open, tree_file_read, tree_file_seek, tree_file_look,
        tree_file_close, tree_mime, tree_each};
    return self;
}

void tree_destroy (tree_t **self_p)
{
    buffer_release (&(*self_p)->events);
    free (*self_p);
    *self_p = NULL;
}
