/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-private.h: a sweep of a document from the inside. */
#pragma once

#include "esp-sweep-plan-private.h"
#include "esp-sweep.h"

G_BEGIN_DECLS

/* The sweep of the document that has this very plan, borrowed; NULL: nobody holds one. */
EspSweep *_esp_sweep_find (EspDocument *document, EspSweepPlan *plan);

EspRegistry *_esp_sweep_get_registry (EspSweep *self); /* or NULL */

/* The newest of the cell's nodes; NULL if there is none. */
EspNode *_esp_sweep_get_newest (EspSweep *self, guint cell);

G_END_DECLS
