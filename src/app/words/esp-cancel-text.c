/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-cancel-text.c: what cancelling a turn can do, said before it is done. */
#include "esp-cancel-text.h"

#include <glib/gi18n-lib.h>

#include "esp-remote-backend.h"

/* Before anything that costs money was sent. */
static gboolean
is_free (const char *stage)
{
  static const char *const stages[] = { "preparing", "uploading", "waiting", NULL };

  return stage == NULL || g_strv_contains (stages, stage);
}

static gboolean
can_cancel (const EspDescriptor *descriptor, EspStatus status)
{
  if (descriptor->cancel_close)
    return TRUE;
  return descriptor->cancel != NULL && descriptor->cancel->len > 0
         && (descriptor->cancel_when & (1u << status)) != 0;
}

const char *
esp_cancel_text_get (EspBackend *backend, const EspNodeProgress *progress)
{
  const char *stage = progress != NULL ? progress->stage : NULL;
  const EspDescriptor *descriptor = NULL;

  if (backend == NULL || !esp_backend_is_remote (backend))
    return NULL;
  if (is_free (stage))
    return _ ("Nothing was ordered yet: this costs nothing");
  if (g_str_equal (stage, "downloading"))
    return _ ("The image is ready and paid for; it can be fetched later");
  if (g_str_equal (stage, "composing"))
    return _ ("The image is ready and paid for; it is taken as it came");
  if (ESP_IS_REMOTE_BACKEND (backend))
    {
      EspProvider *provider = esp_remote_backend_get_provider (ESP_REMOTE_BACKEND (backend));

      if (provider != NULL && esp_provider_get_problem (provider) == NULL)
        descriptor = esp_provider_get_descriptor (provider);
    }
  if (descriptor == NULL)
    return _ ("Asks the provider to stop; it may still be billed");
  if (g_str_equal (stage, "queued"))
    return can_cancel (descriptor, ESP_STATUS_QUEUED)
               ? _ ("Takes it out of the provider’s queue")
               : _ ("The provider cannot take it out of its queue: it may still be billed");
  return can_cancel (descriptor, ESP_STATUS_RUNNING)
             ? _ ("Asks the provider to stop; it may still be billed")
             : _ ("Stops waiting. The provider cannot stop: it may still be billed");
}
