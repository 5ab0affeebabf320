/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"

#include "esp-srgb-profile-private.h"

#include <lcms2.h>
#include <string.h>

/* The sRGB profile without the date that Little CMS puts in: equal pictures shall be equal files.
 */
GBytes *
_esp_color_srgb_profile (void)
{
  cmsHPROFILE profile = cmsCreate_sRGBProfile ();
  cmsUInt32Number size = 0;
  guint8 *data;
  static const guint8 date[12]
      = { 7, 0xd0, 0, 1, 0, 1 }; /* 2000-01-01 00:00:00, big-endian words */

  /* Version 4 has sRGB's curve as a formula: 600 bytes instead of 25 KB. A reader that does not
   * know version 4 falls back to sRGB, which is the same. */
  cmsSetProfileVersion (profile, 4.3);
  cmsSaveProfileToMem (profile, NULL, &size);
  data = g_malloc0 (size);
  cmsSaveProfileToMem (profile, data, &size);
  cmsCloseProfile (profile);
  memcpy (data + 24, date, sizeof date);
  return g_bytes_new_take (data, size);
}
