/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the manifests in data/models say to people, for translators, whose tools do not read them. A
 * test compares. */
#include <glib/gi18n-lib.h>

#include "esp-model-offer-private.h"

static const char *const texts[] = {
  N_ ("Edits photos as an instruction says: 12 billion parameters, by Black Forest "
      "Labs."),
  N_ ("The licence is Black Forest Labs’ own, and its full text counts. In short: the "
      "model itself may be used for non-commercial purposes only, such as private "
      "use, research and trying it out; it may not be used to make unlawful content, "
      "or to train competing models. What may be done with the images that it makes "
      "stands there as well. Black Forest Labs gives the model only to people who "
      "accept this licence on Hugging Face with an account of their own."),
  N_ ("4 bit (Q4_K)"),
  N_ ("The smallest. Small details differ from the original."),
  N_ ("8 bit (Q8_0)"),
  N_ ("Hardly to be told from the original, at half its size."),
  N_ ("8 bit floating point (fp8)"),
  N_ ("As ComfyUI uses it. Close to the original, at half its size; on a processor "
      "Q8_0 is faster."),
  N_ ("The original (bf16)"),
  N_ ("Everything as Black Forest Labs published it."),
  NULL,
};

const char *const *
_esp_model_offer_get_texts (void)
{
  return texts;
}
