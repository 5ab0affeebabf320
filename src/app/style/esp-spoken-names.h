/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-spoken-names.h: names that GTK and libadwaita leave out or say twice. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* From now on every widget of the program that comes to the screen is called what a person who sees
 * it would call it, where its toolkit does not see to that by itself:
 *
 * - GTK 4.8 calls a button with a mnemonic by it, and then once more without ("_Open Open");
 * - what has both a name and a label says both, mostly the same words;
 * - rows of preferences have their title as name, and a switch in one has it, too;
 * - the items of lists to choose from are called by their words, the button of such a list as it
 * is;
 * - a search entry says what it is for.
 *
 * What has a name that the program gave it keeps that alone. Calling it again does nothing. */
void esp_spoken_names_ensure (void);

G_END_DECLS
