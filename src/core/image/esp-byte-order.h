/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-byte-order.h: numbers of 32 bits at any place of a file, the most significant byte
 * first (be: PNG, JPEG) or last (le: RIFF, BMP). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

static inline guint32
_esp_be_32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

static inline guint32
_esp_le_32 (const guint8 *p)
{
  return p[0] | (guint32) p[1] << 8 | (guint32) p[2] << 16 | (guint32) p[3] << 24;
}

G_END_DECLS
