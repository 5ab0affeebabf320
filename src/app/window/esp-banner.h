/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-banner.h: a bar across the window for a condition that lasts, with what can be done about
 * it. (AdwBanner came with libadwaita 1.3, and has one button.) */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_BANNER (esp_banner_get_type ())

G_DECLARE_FINAL_TYPE (EspBanner, esp_banner, ESP, BANNER, GtkWidget)

typedef struct
{
  const char *label;  /* with mnemonic */
  const char *action; /* detailed name */
} EspBannerButton;

GtkWidget *esp_banner_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Shows a sentence and up to three buttons, ended by one without a label. */
void esp_banner_show (EspBanner *self, const char *text, const EspBannerButton *buttons);
void esp_banner_hide (EspBanner *self);

/* What is shown, or NULL. */
const char *esp_banner_get_text (EspBanner *self);

G_END_DECLS
