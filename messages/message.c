//  message - the walks over a message's table

#include "messages/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages/error.h"

//  ---- packing

static bool field_is_absent (const field_t *field, const void *at)
{
    if (field->need == FIELD_MUST)
        return false;
    switch (field->kind) {
    case FIELD_BOOL: return false;
    case FIELD_UINT: return *(const uint64_t *)at == 0;
    case FIELD_UUID: return uuid_is_zero (at);
    case FIELD_KEY: {
        static const public_key_t none;
        return memcmp (at, &none, sizeof none) == 0;
    }
    case FIELD_STAMP: return timestamp_is_none (at);
    case FIELD_TEXT:
    case FIELD_BYTES:
    case FIELD_RAW: return ((const slice_t *)at)->data == NULL;
    }
    return false;
}

static void field_pack (const field_t *field, const void *at, buffer_t *out)
{
    if (field_is_absent (field, at)) {
        pack_nil (out);
        return;
    }
    switch (field->kind) {
    case FIELD_BOOL: pack_bool (out, *(const bool *)at); break;
    case FIELD_UINT: pack_uint (out, *(const uint64_t *)at); break;
    case FIELD_UUID: pack_bin (out, slice_of (at, sizeof (uuid16_t))); break;
    case FIELD_KEY: pack_bin (out, slice_of (at, sizeof (public_key_t))); break;
    case FIELD_STAMP: timestamp_pack (at, out); break;
    case FIELD_TEXT: pack_text (out, *(const slice_t *)at); break;
    case FIELD_BYTES: pack_bin (out, *(const slice_t *)at); break;
    case FIELD_RAW: pack_raw (out, *(const slice_t *)at); break;
    }
}

void message_pack (const message_type_t *type, const void *message, buffer_t *out)
{
    const uint8_t *base = message;
    if (type->form == MESSAGE_MAP) {
        size_t present = 0;
        for (size_t i = 0; i < type->field_count; i++)
            present += !field_is_absent (&type->fields[i], base + type->fields[i].offset);
        pack_map (out, present);
    } else
        pack_array (out, type->field_count);

    for (size_t i = 0; i < type->field_count; i++) {
        const field_t *field = &type->fields[i];
        const void *at = base + field->offset;
        if (type->form == MESSAGE_MAP) {
            if (field_is_absent (field, at))
                continue;
            pack_text (out, slice_text (field->name));
        }
        field_pack (field, at, out);
    }
}

//  ---- unpacking

static int uuid_unpack (cursor_t *cursor, enum message_form form, void *at)
{
    slice_t text;
    if (form == MESSAGE_MAP && cursor_kind (cursor) == PACK_TEXT) {
        cursor_t ahead = *cursor;
        int rc = cursor_text (&ahead, &text);
        if (rc == 0)
            rc = uuid_from_text (text, at);
        if (rc == 0)
            *cursor = ahead;
        return rc;
    }
    return cursor_bin_exact (cursor, at, sizeof (uuid16_t));
}

static int field_unpack (const field_t *field, enum message_form form, cursor_t *cursor, void *at)
{
    if (field->need == FIELD_MAY && cursor_kind (cursor) == PACK_NIL)
        return cursor_nil (cursor);
    switch (field->kind) {
    case FIELD_BOOL: return cursor_bool (cursor, at);
    case FIELD_UINT: return cursor_uint (cursor, at);
    case FIELD_UUID: return uuid_unpack (cursor, form, at);
    case FIELD_KEY: return cursor_bin_exact (cursor, at, sizeof (public_key_t));
    case FIELD_STAMP: return timestamp_unpack (cursor, at);
    case FIELD_TEXT: return cursor_text (cursor, at);
    case FIELD_BYTES: return cursor_bin (cursor, at);
    case FIELD_RAW: return cursor_skip (cursor, at);
    }
    return ERR_MALFORMED;
}

static int array_unpack (
    const message_type_t *type, cursor_t *cursor, uint8_t *base, const char **ret_field)
{
    size_t count;
    int rc = cursor_array (cursor, &count);
    for (size_t i = 0; rc == 0 && i < type->field_count; i++) {
        const field_t *field = &type->fields[i];
        if (i < count)
            rc = field_unpack (field, MESSAGE_ARRAY, cursor, base + field->offset);
        else if (field->need == FIELD_MUST)
            rc = ERR_MALFORMED;
        if (rc)
            *ret_field = field->name;
    }
    for (size_t i = type->field_count; rc == 0 && i < count; i++)
        rc = cursor_skip (cursor, NULL);
    return rc;
}

static const field_t *field_named (const message_type_t *type, slice_t name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (slice_equal (slice_text (type->fields[i].name), name))
            return &type->fields[i];
    return NULL;
}

static int map_unpack (
    const message_type_t *type, cursor_t *cursor, uint8_t *base, const char **ret_field)
{
    uint64_t seen = 0; // one bit a field: a table has at most 64
    size_t count;
    int rc = cursor_map (cursor, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        slice_t name;
        rc = cursor_text (cursor, &name);
        const field_t *field = rc ? NULL : field_named (type, name);
        if (rc == 0 && field == NULL)
            rc = cursor_skip (cursor, NULL);
        else if (rc == 0) {
            uint64_t bit = 1ull << (field - type->fields);
            rc = seen & bit ? ERR_MALFORMED
                            : field_unpack (field, MESSAGE_MAP, cursor, base + field->offset);
            seen |= bit;
            if (rc)
                *ret_field = field->name;
        }
    }
    for (size_t i = 0; rc == 0 && i < type->field_count; i++)
        if (type->fields[i].need == FIELD_MUST && !(seen >> i & 1)) {
            *ret_field = type->fields[i].name;
            rc = ERR_MALFORMED;
        }
    return rc;
}

int message_unpack (
    const message_type_t *type, slice_t bytes, void *ret_message, const char **ret_field)
{
    const char *field = NULL;
    cursor_t cursor = cursor_over (bytes);
    memset (ret_message, 0, type->size);
    int rc = type->form == MESSAGE_MAP ? map_unpack (type, &cursor, ret_message, &field)
                                       : array_unpack (type, &cursor, ret_message, &field);
    if (rc == 0 && !cursor_done (&cursor))
        rc = ERR_MALFORMED;
    if (ret_field)
        *ret_field = field;
    return rc;
}

//  ---- printing

static void print_text (buffer_t *out, const char *text)
{
    buffer_append (out, text, strlen (text));
}

static void field_print (const field_t *field, const void *at, buffer_t *out)
{
    char text[TIMESTAMP_TEXT_SIZE];
    switch (field->kind) {
    case FIELD_BOOL: print_text (out, *(const bool *)at ? "true" : "false"); return;
    case FIELD_UINT: snprintf (text, sizeof text, "%" PRIu64, *(const uint64_t *)at); break;
    case FIELD_UUID: uuid_to_text (at, text); break;
    case FIELD_KEY: key_to_z85 (at, text); break;
    case FIELD_STAMP: timestamp_to_text (at, text); break;
    case FIELD_TEXT: {
        const slice_t *slice = at;
        buffer_append (out, slice->data, slice->size);
        return;
    }
    case FIELD_BYTES:
    case FIELD_RAW: snprintf (text, sizeof text, "<%zu bytes>", ((const slice_t *)at)->size); break;
    }
    print_text (out, text);
}

void message_print (const message_type_t *type, const void *message, buffer_t *out)
{
    const uint8_t *base = message;
    print_text (out, type->name);
    print_text (out, "{");
    for (size_t i = 0; i < type->field_count; i++) {
        const field_t *field = &type->fields[i];
        if (field_is_absent (field, base + field->offset))
            continue;
        print_text (out, out->data[out->size - 1] == '{' ? "" : " ");
        print_text (out, field->name);
        print_text (out, "=");
        field_print (field, base + field->offset, out);
    }
    print_text (out, "}");
}

void message_document (const message_type_t *type, buffer_t *out)
{
    static const char *const kinds[] = {
        "bool", "uint64", "bin 16", "bin 32", "text", "bin", "[uint64, bin 16]", "any"};
    print_text (out, "**");
    print_text (out, type->name);
    print_text (out, "**: ");
    print_text (out, type->text);
    print_text (out, "\n\n");
    if (type->field_count == 0)
        return;
    print_text (out, "| field | form | |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < type->field_count; i++) {
        const field_t *field = &type->fields[i];
        print_text (out, "| `");
        print_text (out, field->name);
        print_text (out, "` | ");
        print_text (out, kinds[field->kind]);
        print_text (out, field->need == FIELD_MAY ? " or nil | " : " | ");
        print_text (out, field->text);
        print_text (out, " |\n");
    }
    print_text (out, "\n");
}
