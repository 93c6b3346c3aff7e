//  cursor - msgpack in from an enemy: the reading half of pack.h
//
//  Every function looks at one head: the first byte, and the big-endian argument of 0, 1, 2, 4 or 8
//  bytes behind it. What a head claims (a length, a count) is compared with what is really left
//  before anything believes it; so nothing here allocates, and no loop runs longer than the input.
//
//      first byte   00-7f    80-8f   90-9f     a0-bf    c0   c2 c3  c4-c6  ca cb   cc-cf  d0-d3
//      kind         UINT     MAP     ARRAY     TEXT     NIL  BOOL   BIN    DOUBLE  UINT   INT, UINT
//      first byte   d9-db    dc dd   de df     e0-ff    c1 c7-c9 d4-d8
//      kind         TEXT     ARRAY   MAP       INT      refused: never used, and the ext family

#include "messages/pack.h"

#include "messages/limits.h"

typedef struct head {
    int kind;
    uint64_t argument;   // the number, length or count; a negative integer as two's complement
    const uint8_t *body; // behind the head
} head_t;

static uint64_t big_endian (const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

//  The heads that begin with c0 to df: what they begin (PACK_END: nothing), and the argument's
//  size.
// clang-format off
static const uint8_t long_kinds[32] = {
    PACK_NIL, PACK_END,  PACK_BOOL,   PACK_BOOL,   PACK_BIN,   PACK_BIN,   PACK_BIN,  PACK_END,
    PACK_END, PACK_END,  PACK_DOUBLE, PACK_DOUBLE, PACK_UINT,  PACK_UINT,  PACK_UINT, PACK_UINT,
    PACK_INT, PACK_INT,  PACK_INT,    PACK_INT,    PACK_END,   PACK_END,   PACK_END,  PACK_END,
    PACK_END, PACK_TEXT, PACK_TEXT,   PACK_TEXT,   PACK_ARRAY, PACK_ARRAY, PACK_MAP,  PACK_MAP,
};
static const uint8_t argument_sizes[32] = {
    0, 0, 0, 0, 1, 2, 4, 0,
    0, 0, 4, 8, 1, 2, 4, 8,
    1, 2, 4, 8, 0, 0, 0, 0,
    0, 1, 2, 4, 2, 4, 2, 4,
};
// clang-format on

//  A head that begins with c0 to df.
static int long_head (const cursor_t *self, head_t *ret_head)
{
    uint8_t byte = *self->at;
    int kind = long_kinds[byte - 0xc0];
    size_t size = argument_sizes[byte - 0xc0];
    if (kind == PACK_END)
        return ERR_MALFORMED;
    if ((size_t)(self->end - self->at) <= size)
        return ERR_TRUNCATED;

    uint64_t argument = big_endian (self->at + 1, size);
    if (kind == PACK_BOOL)
        argument = byte & 1;
    else if (kind == PACK_INT) {
        uint64_t sign = 1ull << (8 * size - 1);
        if (argument & sign)
            argument = (argument ^ sign) - sign; // extends the sign
        else
            kind = PACK_UINT;
    }
    *ret_head = (head_t){kind, argument, self->at + 1 + size};
    return 0;
}

//  The head of the next value; the cursor stays. Whether the body is there is not looked at.
static inline int head_at (const cursor_t *self, head_t *ret_head)
{
    if (self->at == self->end)
        return ERR_TRUNCATED;
    uint8_t byte = *self->at;
    const uint8_t *body = self->at + 1;
    if (byte < 0x80)
        *ret_head = (head_t){PACK_UINT, byte, body};
    else if (byte < 0x90)
        *ret_head = (head_t){PACK_MAP, byte & 0x0f, body};
    else if (byte < 0xa0)
        *ret_head = (head_t){PACK_ARRAY, byte & 0x0f, body};
    else if (byte < 0xc0)
        *ret_head = (head_t){PACK_TEXT, byte & 0x1f, body};
    else if (byte >= 0xe0)
        *ret_head = (head_t){PACK_INT, (uint64_t)(int64_t)(int8_t)byte, body};
    else
        return long_head (self, ret_head);
    return 0;
}

static inline int head_of_kind (const cursor_t *self, int kind, head_t *ret_head)
{
    int rc = head_at (self, ret_head);
    if (rc == 0 && ret_head->kind != kind)
        rc = ERR_MALFORMED;
    return rc;
}

static inline size_t left_behind (const cursor_t *self, const head_t *head)
{
    return (size_t)(self->end - head->body);
}

int cursor_kind (const cursor_t *self)
{
    if (cursor_done (self))
        return PACK_END;
    head_t head;
    int rc = head_at (self, &head);
    return rc ? rc : head.kind;
}

int cursor_nil (cursor_t *self)
{
    head_t head;
    int rc = head_of_kind (self, PACK_NIL, &head);
    if (rc)
        return rc;
    self->at = head.body;
    return 0;
}

int cursor_bool (cursor_t *self, bool *ret_value)
{
    head_t head;
    int rc = head_of_kind (self, PACK_BOOL, &head);
    if (rc)
        return rc;
    self->at = head.body;
    *ret_value = head.argument;
    return 0;
}

int cursor_uint (cursor_t *self, uint64_t *ret_value)
{
    head_t head;
    int rc = head_of_kind (self, PACK_UINT, &head);
    if (rc)
        return rc;
    self->at = head.body;
    *ret_value = head.argument;
    return 0;
}

int cursor_int (cursor_t *self, int64_t *ret_value)
{
    head_t head;
    int rc = head_at (self, &head);
    if (rc)
        return rc;
    bool fits = head.kind == PACK_INT || (head.kind == PACK_UINT && head.argument <= INT64_MAX);
    if (!fits)
        return ERR_MALFORMED;
    self->at = head.body;
    *ret_value = (int64_t)head.argument;
    return 0;
}

static double double_of (const head_t *head, bool is_single)
{
    if (is_single) {
        uint32_t bits = (uint32_t)head->argument;
        float value;
        memcpy (&value, &bits, sizeof value);
        return (double)value;
    }
    double value;
    memcpy (&value, &head->argument, sizeof value);
    return value;
}

int cursor_double (cursor_t *self, double *ret_value)
{
    head_t head;
    int rc = head_at (self, &head);
    if (rc)
        return rc;
    switch (head.kind) {
    case PACK_UINT: *ret_value = (double)head.argument; break;
    case PACK_INT: *ret_value = (double)(int64_t)head.argument; break;
    case PACK_DOUBLE: *ret_value = double_of (&head, *self->at == 0xca); break;
    default: return ERR_MALFORMED;
    }
    self->at = head.body;
    return 0;
}

int cursor_text (cursor_t *self, slice_t *ret_text)
{
    head_t head;
    int rc = head_of_kind (self, PACK_TEXT, &head);
    if (rc)
        return rc;
    if (head.argument > left_behind (self, &head))
        return ERR_TRUNCATED;
    slice_t text = slice_of (head.body, (size_t)head.argument);
    if (!utf8_valid (text))
        return ERR_MALFORMED;
    self->at = text.data + text.size;
    *ret_text = text;
    return 0;
}

int cursor_string (cursor_t *self, char *ret_text, size_t size)
{
    cursor_t next = *self;
    slice_t text;
    int rc = cursor_text (&next, &text);
    if (rc)
        return rc;
    if (text.size >= size || memchr (text.data, 0, text.size))
        return ERR_MALFORMED;
    memcpy (ret_text, text.data, text.size);
    ret_text[text.size] = 0;
    *self = next;
    return 0;
}

int cursor_bin (cursor_t *self, slice_t *ret_bytes)
{
    head_t head;
    int rc = head_of_kind (self, PACK_BIN, &head);
    if (rc)
        return rc;
    if (head.argument > left_behind (self, &head))
        return ERR_TRUNCATED;
    *ret_bytes = slice_of (head.body, (size_t)head.argument);
    self->at = head.body + head.argument;
    return 0;
}

int cursor_bin_exact (cursor_t *self, void *ret_bytes, size_t size)
{
    cursor_t next = *self;
    slice_t bytes;
    int rc = cursor_bin (&next, &bytes);
    if (rc)
        return rc;
    if (bytes.size != size)
        return ERR_MALFORMED;
    memcpy (ret_bytes, bytes.data, size);
    *self = next;
    return 0;
}

//  An element takes at least one byte: more elements than bytes left is a lie.
static int container (cursor_t *self, int kind, size_t bytes_each, size_t *ret_count)
{
    head_t head;
    int rc = head_of_kind (self, kind, &head);
    if (rc)
        return rc;
    if (head.argument > left_behind (self, &head) / bytes_each)
        return ERR_TRUNCATED;
    self->at = head.body;
    *ret_count = (size_t)head.argument;
    return 0;
}

int cursor_array (cursor_t *self, size_t *ret_count)
{
    return container (self, PACK_ARRAY, 1, ret_count);
}

int cursor_map (cursor_t *self, size_t *ret_count)
{
    return container (self, PACK_MAP, 2, ret_count);
}

//  Steps over one value; of a container only over its head, and then *ret_opens is true and
//  *ret_inside the number of values in it.
static int step (cursor_t *self, bool *ret_opens, size_t *ret_inside)
{
    head_t head;
    int rc = head_at (self, &head);
    if (rc)
        return rc;
    size_t left = left_behind (self, &head);
    *ret_opens = head.kind == PACK_ARRAY || head.kind == PACK_MAP;
    if (*ret_opens) {
        uint64_t inside = head.argument * (head.kind == PACK_MAP ? 2 : 1);
        if (inside > left)
            return ERR_TRUNCATED;
        *ret_inside = (size_t)inside;
    } else if (head.kind == PACK_TEXT || head.kind == PACK_BIN) {
        if (head.argument > left)
            return ERR_TRUNCATED;
        if (head.kind == PACK_TEXT && !utf8_valid (slice_of (head.body, (size_t)head.argument)))
            return ERR_MALFORMED;
        head.body += head.argument;
    }
    self->at = head.body;
    return 0;
}

//  Not recursive: left[d] is how many values are still to come in the open container at depth d;
//  left[0] stands for the one value asked for.
int cursor_skip (cursor_t *self, slice_t *ret_value)
{
    size_t left[LIMIT_DEPTH + 1] = {1};
    size_t depth = 0;
    size_t budget = LIMIT_ELEMENTS;
    cursor_t next = *self;

    while (left[0] > 0 || depth > 0) {
        if (left[depth] == 0) {
            depth--;
            continue;
        }
        if (budget-- == 0)
            return ERR_MALFORMED;
        left[depth]--;
        bool opens;
        size_t inside;
        int rc = step (&next, &opens, &inside);
        if (rc)
            return rc;
        if (opens && depth == LIMIT_DEPTH)
            return ERR_MALFORMED;
        if (opens)
            left[++depth] = inside;
    }
    if (ret_value)
        *ret_value = slice_of (self->at, (size_t)(next.at - self->at));
    *self = next;
    return 0;
}

int pack_check (slice_t bytes)
{
    cursor_t cursor = cursor_over (bytes);
    int rc = cursor_skip (&cursor, NULL);
    if (rc == 0 && !cursor_done (&cursor))
        rc = ERR_MALFORMED;
    return rc;
}
