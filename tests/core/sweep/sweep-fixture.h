/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep-fixture.h: a document with a photo, a queue, and backends with models to sweep. */
#pragma once

#include "esp-sweep.h"
#include "jobs-fixture.h"
#include "sweep-backend.h"

G_BEGIN_DECLS

typedef struct
{
  EspRegistry *registry;
  SweepBackend *lab; /* "lab", two at a time: "plenty" with steps, guidance, seeds; "little" */
  EspQueue *queue;
  EspDocument *document;
  EspNode *photo;
} SweepFixture;

void sweep_set_up (SweepFixture *self, gconstpointer data);
void sweep_tear_down (SweepFixture *self, gconstpointer data);

/* Axes as "name: text; name: text"; below the photo, with "lab/plenty" and 10 steps. */
EspSweepPlan *sweep_make_plan (SweepFixture *self, const char *axes, EspSweepOrder order);

EspSweep *sweep_start (SweepFixture *self, EspSweepPlan *plan, int draft_steps);

/* `cells`: "0 3 4", or NULL: all. */
void sweep_run (SweepFixture *self, EspSweep *sweep, const char *cells, int draft_steps);

/* Runs the main loop until nothing waits or runs in the queue. */
void sweep_wait (SweepFixture *self);

/* A letter a cell: m(issing) s(kipped) w(aiting) r(unning) p(review) d(one) f(ailed) c(ancelled).
 * Checks that the counts are those. */
char *sweep_dup_states (EspSweep *sweep);

#define sweep_assert_states(sweep, expected)                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *states_ = sweep_dup_states (sweep);                                           \
    g_assert_cmpstr (states_, ==, expected);                                                       \
  }                                                                                                \
  G_STMT_END

/* Closes the document, and opens it again. */
void sweep_reopen (SweepFixture *self);

G_END_DECLS
