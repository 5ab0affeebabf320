/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-text.h: what a model is called, and why it cannot be used. */
#pragma once

#include "esp-backend.h"

G_BEGIN_DECLS

/* "This Computer · Demo"; a provider with one model is called by its name alone. */
char *esp_model_dup_title (EspModel *model) G_GNUC_WARN_UNUSED_RESULT;

/* A sentence: why no turn can be made with it now; NULL: one can. */
char *esp_model_dup_obstacle (EspModel *model) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
