//  admin_alarm - what needs a person: one alarm a code and subject

#include "actors/admin/admin.h"

#include <stdlib.h>

static char *text_copy (slice_t text)
{
    char *copy = calloc (1, text.size + 1);
    if (!copy)
        abort (); // as buffer_reserve
    if (text.size)
        memcpy (copy, text.data, text.size);
    return copy;
}

static void alarm_set_destroy (alarm_set_t *alarm)
{
    free (alarm->code);
    free (alarm->subject);
    free (alarm->text);
    free (alarm);
}

static void alarm_end (admin_t *self, slice_t code, slice_t subject)
{
    for (alarm_set_t **at = &self->alarms; *at; at = &(*at)->next) {
        alarm_set_t *alarm = *at;
        if (slice_equal (slice_text (alarm->code), code) &&
            slice_equal (slice_text (alarm->subject), subject)) {
            *at = alarm->next;
            alarm_set_destroy (alarm);
            self->alarm_count--;
            return;
        }
    }
}

//  The newest stands first. One that is raised again has its new text.
void admin_alarm (admin_t *self, step_t *step, const mail_t *mail)
{
    alarm_t alarm;
    if (step_unpack (step, mail, &alarm_type, &alarm))
        return;
    alarm_end (self, alarm.code, alarm.subject);
    if (!alarm.text.data || self->alarm_count == ADMIN_ALARMS_MAX)
        return;
    alarm_set_t *set = calloc (1, sizeof *set);
    if (!set)
        abort (); // as buffer_reserve
    set->code = text_copy (alarm.code);
    set->subject = text_copy (alarm.subject);
    set->text = text_copy (alarm.text);
    set->next = self->alarms;
    self->alarms = set;
    self->alarm_count++;
}

void admin_alarms_pack (const admin_t *self, buffer_t *out)
{
    buffer_t text = {NULL, 0, 0};
    pack_array (out, self->alarm_count);
    for (const alarm_set_t *alarm = self->alarms; alarm; alarm = alarm->next) {
        buffer_clear (&text);
        buffer_append (&text, alarm->code, strlen (alarm->code));
        buffer_append (&text, ": ", 2);
        buffer_append (&text, alarm->text, strlen (alarm->text));
        pack_text (out, buffer_slice (&text));
    }
    buffer_release (&text);
}

void admin_alarms_release (admin_t *self)
{
    while (self->alarms) {
        alarm_set_t *alarm = self->alarms;
        self->alarms = alarm->next;
        alarm_set_destroy (alarm);
    }
}
