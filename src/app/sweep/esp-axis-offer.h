/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-offer.h: which control an axis is set up with, and what can be checked there. */
#pragma once

#include "esp-axis-editor.h"
#include "esp-axis-row.h"

G_BEGIN_DECLS

EspAxisEditorKind esp_axis_choice_get_editor (const EspAxisChoice *choice);

/* (element-type EspAxisOption); empty where nothing is to be checked. */
GPtrArray *esp_axis_choice_dup_options (const EspAxisChoice *choice,
                                        const EspAxisOffer *offer) G_GNUC_WARN_UNUSED_RESULT;

/* Values to begin with. */
char *esp_axis_choice_dup_example (const EspAxisChoice *choice,
                                   const EspAxisOffer *offer) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
