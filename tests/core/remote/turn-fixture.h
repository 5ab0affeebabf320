/* SPDX-License-Identifier: GPL-3.0-or-later */
/* turn-fixture.h: tests/servers/fake-provider.py in a process of its own, and turns with it that
 * are waited for. */
#pragma once

#include "esp-fault.h"
#include "esp-remote-turn.h"
#include "esp-shipment.h"

/* The server, a home of its own, connections. Once per program. */
void turn_fixture_begin (void);
void turn_fixture_end (void);
EspHttp *turn_fixture_get_http (void);

/* One provider acted out, and what a turn with it is made of. */
typedef struct
{
  int number;
  char *base_url, *key;
  EspProvider *provider;
  JsonObject *parameters, *config, *client;
  GPtrArray *images;
  char *id; /* of the turn */
  guint patience;

  /* What was heard. */
  GCancellable *cancellable;
  guint phases;        /* bits 1 << EspPhase */
  int cancel_at;       /* the phase at which it is cancelled, or -1 */
  int cancel_after_ms; /* in that phase */
  GPtrArray *notes;    /* of char * */
  guint n_previews;
  guint n_fractions; /* of ESP_PHASE_RUNNING */
  int position;      /* the largest; -1 = none */
  char *job_id;
} TurnWorld;

/* `options` and `faults` are JSON, or NULL. */
TurnWorld *turn_world_new (const char *descriptor, const char *fake, const char *options,
                           const char *faults);
void turn_world_free (TurnWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TurnWorld, turn_world_free)

EspRemoteResult *turn_world_run (TurnWorld *world, GError **error);
EspRemoteResult *turn_world_resume (TurnWorld *world, GError **error);
/* Both must end so. */
void turn_world_succeed (TurnWorld *world);
void turn_world_fail (TurnWorld *world, EspFault fault, EspCharged charged);

/* "submits", "accepted", "charges"; and "watch", "download" … for operations. */
int turn_world_count (TurnWorld *world, const char *what);
JsonNode *turn_world_get_log (TurnWorld *world);                   /* every request */
void turn_world_set_faults (TurnWorld *world, const char *faults); /* instead of those there were */
void turn_world_let_go (TurnWorld *world);        /* what the option "hold" holds goes on */
void turn_world_check_manners (TurnWorld *world); /* no violations */
gboolean turn_world_has_record (TurnWorld *world);
