/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-download-private.h: making downloads, for the list of them. */
#pragma once

#include "esp-http.h"
#include "esp-model-download.h"

G_BEGIN_DECLS

/* Paused, with what an earlier run has fetched. */
EspModelDownload *_esp_model_download_new (EspModelOffer *offer, const EspModelVariant *variant,
                                           EspHttpThrottle *throttle) G_GNUC_WARN_UNUSED_RESULT;

gboolean _esp_model_download_is_active (EspModelDownload *self);
/* Makes pauses between attempts shorter: tests. */
void _esp_model_download_set_patience (EspModelDownload *self, double patience);

G_END_DECLS
