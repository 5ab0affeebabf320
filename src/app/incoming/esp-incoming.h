/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-incoming.h: what other programs have on the clipboard or drop.
 *
 * GDK would make textures of it, which means that it decodes whatever a stranger calls a PNG, a
 * JPEG or a TIFF in the process of the window. So nothing here asks for textures: an image is the
 * bytes of the best media type on offer, as unread as those of a file, and goes where files' bytes
 * go. Lists of files are names, and are read by GDK, out of memory, once they have come as a whole.
 *
 * Other programs may be slow, lie or fall silent: what is taken is bounded in size and in time.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  ESP_INCOMING_FILES = 1 << 0, /* GDK_TYPE_FILE_LIST; before an image where both are on offer */
  ESP_INCOMING_IMAGE = 1 << 1, /* G_TYPE_BYTES */
} EspIncomingKinds;

/* How much of another program's time and memory is taken. */
typedef struct
{
  guint64 max_bytes; /* of an image; lists of files have a bound of their own */
  guint silence;     /* milliseconds without anything new */
  guint patience;    /* milliseconds altogether */
} EspIncomingLimits;

/* The largest file that is read as a picture, a quarter of a minute, three minutes. */
extern const EspIncomingLimits esp_incoming_limits;

/* Is anything of these kinds on the clipboard, or being dragged? */
gboolean esp_incoming_is_on_clipboard (GdkClipboard *clipboard, EspIncomingKinds kinds);
gboolean esp_incoming_is_dragged (GdkDrop *drop, EspIncomingKinds kinds);

/* Takes what the clipboard has, or what is being dropped (that the drop is finished is the
 * caller's). `limits` is copied; NULL: esp_incoming_limits. The callback is called once, from the
 * main loop and never before this returns, also when the other program never answers; cancelling
 * does not wait for it either. */
void esp_incoming_read_clipboard_async (GdkClipboard *clipboard, EspIncomingKinds kinds,
                                        const EspIncomingLimits *limits, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);
void esp_incoming_read_drop_async (GdkDrop *drop, EspIncomingKinds kinds,
                                   const EspIncomingLimits *limits, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
/* Initializes `value` (all zero) with a GdkFileList or GBytes, to be unset by the caller. FALSE:
 * G_IO_ERROR_NOT_FOUND (nothing of these kinds is there), _TIMED_OUT, _MESSAGE_TOO_LARGE,
 * _CANCELLED, or what became of the other program; a sentence for people. */
gboolean esp_incoming_read_finish (GAsyncResult *result, GValue *value, GError **error);

/* The bytes of a file whose name came from elsewhere, if it is a regular one and no larger than a
 * picture may be: names may be those of devices and pipes. */
void esp_incoming_load_file_async (GFile *file, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
/* Owned by the caller; NULL with a sentence for people. */
GBytes *esp_incoming_load_file_finish (GFile *file, GAsyncResult *result,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
