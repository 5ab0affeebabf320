/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-program-parts.h: where the other parts of the program are: its worker, its data. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The worker program: $ESPALIER_ENGINE; else where it lies relative to the running program (in an
 * installation that was moved, or in a build folder); else where it was installed. Always a path;
 * whether it can be started shows when it is. */
char *esp_installation_find_engine (void) G_GNUC_WARN_UNUSED_RESULT;

/* The program that decodes pictures: $ESPALIER_DECODER, else found in the same order. */
char *esp_installation_find_decoder (void) G_GNUC_WARN_UNUSED_RESULT;

/* The folder of the program's data: $ESPALIER_DATA_DIR, else found in the same order. */
char *esp_installation_find_data (void) G_GNUC_WARN_UNUSED_RESULT;

/* The folder for bindtextdomain (): $ESPALIER_LOCALE_DIR, else found in the same order. */
char *esp_installation_find_translations (void) G_GNUC_WARN_UNUSED_RESULT;

/* The manual, one page: $ESPALIER_MANUAL, else found in the same order. */
char *esp_installation_find_manual (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
