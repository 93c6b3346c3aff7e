//  api_waiting - the requests that oplog has and did not answer yet
//
//  A ticket is the number of its slot, and above it a serial number that makes it unlike all before it.

#include "actors/api/api.h"

#include <stdlib.h>

#define SLOT_BITS 32

static waiting_t *slot_take (api_t *self)
{
    if (self->slot_free == self->slot_count) {
        size_t count = self->slot_count ? self->slot_count * 2 : 64;
        waiting_t *slots = realloc (self->slots, count * sizeof *slots);
        if (!slots)
            abort (); // as buffer_reserve: a few hundred KiB at the bounds of api.h
        for (size_t i = self->slot_count; i < count; i++)
            slots[i] = (waiting_t){.next_free = i + 1};
        self->slots = slots;
        self->slot_count = count;
    }
    size_t index = self->slot_free;
    waiting_t *slot = &self->slots[index];
    self->slot_free = slot->next_free;
    *slot = (waiting_t){.ticket = ++self->serial << SLOT_BITS | index};
    return slot;
}

waiting_t *api_waiting_find (api_t *self, uint64_t ticket)
{
    size_t index = ticket & ((1ull << SLOT_BITS) - 1);
    return ticket && index < self->slot_count && self->slots[index].ticket == ticket
               ? &self->slots[index]
               : NULL;
}

static void slot_give (api_t *self, waiting_t *slot)
{
    caller_release (&slot->caller);
    *slot = (waiting_t){.next_free = self->slot_free};
    self->slot_free = (size_t)(slot - self->slots);
}

static void hold (api_t *self, step_t *step, bool holding)
{
    self->holding = holding;
    for (uint64_t i = 0; i < 2; i++) {
        edge_hold_t mail = {.socket = i ? API_INTAKE : API_REQUESTS, .hold = holding};
        step_send (step, ACTOR_EDGE, MAIL_EDGE_HOLD, 0, &edge_hold_type, &mail, NULL, 0);
    }
}

uint64_t api_waiting_add (api_t *self, step_t *step, const waiting_t *what)
{
    waiting_t *slot = slot_take (self);
    uint64_t ticket = slot->ticket;
    *slot = *what;
    slot->ticket = ticket;
    self->waiting++;
    self->waiting_bytes += slot->bytes;
    if (!self->holding &&
        (self->waiting >= API_WAITING_MAX || self->waiting_bytes >= API_WAITING_BYTES_MAX))
        hold (self, step, true);
    return ticket;
}

void api_waiting_end (api_t *self, step_t *step, waiting_t *slot)
{
    self->waiting--;
    self->waiting_bytes -= slot->bytes;
    slot_give (self, slot);
    if (self->holding && self->waiting <= API_WAITING_MAX / 2 &&
        self->waiting_bytes <= API_WAITING_BYTES_MAX / 2)
        hold (self, step, false);
}

void api_waiting_release (api_t *self)
{
    for (size_t i = 0; i < self->slot_count; i++)
        caller_release (&self->slots[i].caller);
    free (self->slots);
}
