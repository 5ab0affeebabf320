/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-actions.h: everything that can be asked of a window, in one table: names, words for menus,
 * keys, and what must be there. Accelerators, menus, the shortcuts window and the tests are made
 * from it. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  ESP_KEYS_EVERYWHERE,   /* an accelerator of the application: before any widget sees the key */
  ESP_KEYS_OUTSIDE_TEXT, /* of the window: after the widgets, and not while text is written */
  ESP_KEYS_VIEWS,        /* only while the history or the image has the focus */
  ESP_KEYS_WIDGET,       /* a widget does it by itself; listed for the shortcuts window alone */
} EspKeysScope;

typedef enum
{
  ESP_ACTION_ALWAYS,
  ESP_ACTION_DOCUMENT, /* needs a document */
  ESP_ACTION_WRITABLE, /* needs one that can be changed */
} EspActionNeeds;

typedef enum
{
  ESP_SECTION_GENERAL,
  ESP_SECTION_DOCUMENT,
  ESP_SECTION_TURNS,
  ESP_SECTION_HISTORY,
  ESP_SECTION_IMAGE,
  ESP_SECTION_MASK,
  ESP_SECTION_COMPARE,
  ESP_SECTION_SWEEP,
  ESP_N_SECTIONS,
} EspActionSection;

#define ESP_ACTION_MAX_KEYS 4

typedef struct
{
  const char *name;  /* detailed: "win.undo", "node.stars(3)"; NULL for ESP_KEYS_WIDGET */
  const char *label; /* for menus, with mnemonic, untranslated; NULL: in no menu of the window */
  const char *title; /* for the shortcuts window, untranslated; NULL: not there */
  EspActionSection section;
  EspKeysScope scope;
  EspActionNeeds needs;
  const char *keys[ESP_ACTION_MAX_KEYS]; /* in gtk_shortcut_trigger_parse_string ()'s form */
  const char *shown;                     /* instead of the keys in the shortcuts window, or NULL */
} EspActionInfo;

const EspActionInfo *esp_actions_get (gsize *n_actions);
const EspActionInfo *esp_actions_find (const char *name);         /* by detailed name, or NULL */
const char *esp_actions_section_title (EspActionSection section); /* translated */

/* Tells the application its accelerators (ESP_KEYS_EVERYWHERE). */
void esp_actions_set_accels (GtkApplication *application);

/* Adds the window's keys (ESP_KEYS_OUTSIDE_TEXT) or a view's (ESP_KEYS_VIEWS) to a widget. */
void esp_actions_add_keys (GtkWidget *widget, EspKeysScope scope);

/* Appends the entry of a menu, with its label and key from the table. */
void esp_actions_append_item (GMenu *menu, const char *name);

/* A new shortcuts window with all keys of the table. */
GtkWidget *esp_actions_create_shortcuts_window (void) G_GNUC_WARN_UNUSED_RESULT;

/* Is text being written in the window? */
gboolean esp_actions_is_text_focused (GtkWidget *widget);

G_END_DECLS
