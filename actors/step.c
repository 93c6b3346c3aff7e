//  step - mail and frames in memory, and what a core does with a step

#include "actors/actor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

mail_t *mail_new (void)
{
    mail_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    return self;
}

void mail_destroy (mail_t **self_p)
{
    mail_t *self = *self_p;
    if (!self)
        return;
    if (self->body_release)
        self->body_release (self->body_hint);
    for (size_t i = 0; i < self->frame_count; i++)
        if (self->frames[i].release)
            self->frames[i].release (self->frames[i].hint);
    free (self);
    *self_p = NULL;
}

slice_t mail_frame (const mail_t *self, size_t index)
{
    return index < self->frame_count ? self->frames[index].bytes : slice_of (NULL, 0);
}

void mail_list_append (mail_list_t *self, mail_t *mail)
{
    mail->next = NULL;
    if (self->tail)
        self->tail->next = mail;
    else
        self->head = mail;
    self->tail = mail;
    self->count++;
}

mail_t *mail_list_take (mail_list_t *self)
{
    mail_t *mail = self->head;
    if (!mail)
        return NULL;
    self->head = mail->next;
    if (!self->head)
        self->tail = NULL;
    self->count--;
    mail->next = NULL;
    return mail;
}

void mail_list_clear (mail_list_t *self)
{
    for (mail_t *mail = mail_list_take (self); mail; mail = mail_list_take (self))
        mail_destroy (&mail);
}

frame_t frame_copy (slice_t bytes)
{
    uint8_t *copy = malloc (bytes.size ? bytes.size : 1);
    if (!copy)
        abort ();
    if (bytes.size)
        memcpy (copy, bytes.data, bytes.size);
    return (frame_t){slice_of (copy, bytes.size), free, copy};
}

frame_t frame_take (buffer_t *buffer)
{
    frame_t frame = {buffer_slice (buffer), free, buffer->data};
    *buffer = (buffer_t){NULL, 0, 0};
    return frame;
}

void step_send_frames (step_t *self, int to, int verb, uint64_t ticket, const message_type_t *type,
    const void *body, frame_t *frames, size_t frame_count)
{
    mail_t *mail = mail_new ();
    buffer_t packed = {NULL, 0, 0};
    message_pack (type, body, &packed);
    mail->envelope = (envelope_t){self->self, to, verb, ticket};
    mail->body = buffer_slice (&packed);
    mail->body_release = free;
    mail->body_hint = packed.data;
    mail->frame_count = frame_count;
    for (size_t i = 0; i < frame_count; i++)
        mail->frames[i] = frames[i];
    mail_list_append (&self->out, mail);
}

void step_send (step_t *self, int to, int verb, uint64_t ticket, const message_type_t *type,
    const void *body, const slice_t *frames, size_t frame_count)
{
    frame_t copies[MAIL_FRAMES_MAX];
    for (size_t i = 0; i < frame_count; i++)
        copies[i] = frame_copy (frames[i]);
    step_send_frames (self, to, verb, ticket, type, body, copies, frame_count);
}

void step_say (step_t *self, int level, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    if (self->say)
        self->say (self->context, level, text);
}

void step_wake_at (step_t *self, uint64_t mono_ns)
{
    if (mono_ns < self->wake_ns)
        self->wake_ns = mono_ns;
}

int step_unpack (step_t *self, const mail_t *mail, const message_type_t *type, void *ret_body)
{
    const char *field;
    int rc = message_unpack (type, mail->body, ret_body, &field);
    if (rc) {
        metric_add (self->metrics, METRIC_MAIL_REFUSED, 1);
        step_say (self, SAY_ERROR, "mail %s from %s refused: %s (%s)",
            mail_verb_name (mail->envelope.verb), actor_name (mail->envelope.from), error_name (rc),
            field ? field : "form");
    }
    return rc;
}

void step_alarm (step_t *self, const char *code, const char *subject, const char *text)
{
    alarm_t alarm = {
        .code = slice_text (code), .subject = slice_text (subject), .text = slice_text (text)};
    step_send (self, ACTOR_ADMIN, MAIL_ALARM, 0, &alarm_type, &alarm, NULL, 0);
}
