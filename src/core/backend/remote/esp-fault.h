/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-fault.h: what went wrong with a provider, in full. Travels with a GError of
 * ESP_BACKEND_ERROR. */
#pragma once

#include "esp-backend.h"
#include "esp-provider.h"

G_BEGIN_DECLS

typedef struct
{
  EspFault fault;
  char *provider_message; /* cleaned; or NULL */
  guint http_status;      /* 0 none */
  EspCharged charged;
  char *job_id;  /* the provider's, or NULL */
  gboolean kept; /* the record is kept: the turn can be gone on with */
} EspFaultReport;

/* A new error: `message` is for people (what happened, what was kept, what to do). `report` is
 * copied. */
GError *esp_fault_error_new (const EspFaultReport *report,
                             const char *message) G_GNUC_WARN_UNUSED_RESULT;

/* The report of an error made so; NULL for other errors. Valid as long as the error. */
const EspFaultReport *esp_fault_error_get_report (const GError *error);

G_END_DECLS
