/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-key-store.h: API keys, in the desktop's key ring and nowhere else.
 *
 * libsecret, schema APP-ID.ApiKey with attribute "account"; inside a Flatpak through the secret
 * portal. Keys are handed out as EspKey, whose memory is wiped when it is freed. Nothing here logs
 * a key.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _EspKey EspKey; /* counted */

EspKey *esp_key_new (const char *text)
    G_GNUC_WARN_UNUSED_RESULT; /* white space around is taken off */
EspKey *esp_key_ref (EspKey *self);
void esp_key_unref (EspKey *self);
const char *esp_key_get (EspKey *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspKey, esp_key_unref)

/* Says in words why text cannot be a key (empty, control characters, several lines), or NULL. */
const char *esp_key_problem (const char *text);

void esp_key_store_save_async (const char *account, const char *title, EspKey *key,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean esp_key_store_save_finish (GAsyncResult *result, GError **error);
/* NULL without error: there is none. G_IO_ERROR_NOT_SUPPORTED with a sentence where there is no key
 * ring. */
void esp_key_store_load_async (const char *account, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
EspKey *esp_key_store_load_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_key_store_remove_async (const char *account, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_key_store_remove_finish (GAsyncResult *result, GError **error);

/* For the command line. In this order: `file` (first line; refuses a folder, a file > 64 KiB); the
 * environment's ESPALIER_KEY_<ID in capitals, - as _>; the key store (waits for it with a main loop
 * of its own context). "-" reads stdin. NULL without error: there is none anywhere. */
char *esp_key_variable_name (const char *backend) G_GNUC_WARN_UNUSED_RESULT;
EspKey *esp_key_find (const char *backend, const char *file,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
