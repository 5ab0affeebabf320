/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-names.c: what parameters and their choices are called. */
#include "esp-parameter-names.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What the local engine says of its parameters (docs/worker-protocol.md), for the translators. */
static const char *const known[] G_GNUC_UNUSED
    = { N_ ("Instruction"),
        N_ ("What to change in the picture."),
        N_ ("Negative instruction"),
        N_ ("What to move away from; acts only with a true CFG scale above 1."),
        N_ ("True CFG scale"),
        N_ ("Above 1 every step is computed twice, with and against the negative "
            "instruction."),
        N_ ("Seed"),
        N_ ("The same seed gives the same noise, here and in other Kontext tools."),
        N_ ("Steps"),
        N_ ("Denoising steps: more is slower and often finer."),
        N_ ("Guidance"),
        N_ ("How strongly the instruction is followed."),
        N_ ("Size"),
        N_ ("auto: what the model prefers for this picture; match: the picture's own; "
            "or WxH in multiples of 16."),
        N_ ("Several references"),
        N_ ("How further pictures are placed: beside the first, or each on its own "
            "index."),
        N_ ("Step caching"),
        N_ ("Leaves out what would change little from step to step: the higher, the faster "
            "and the less exact; 0 computes everything."),
        N_ ("Device"),
        N_ ("Where to compute."),
        N_ ("Number format"),
        N_ ("f32 is exact, bf16 faster where the device has it, fp8 faster still on recent "
            "graphics cards."),
        N_ ("Graphics memory"),
        N_ ("How many GiB of the graphics card's memory may be used; 0 takes what is free."),
        N_ ("Matrix library"),
        N_ ("Who multiplies matrices on a graphics card: Espalier's own kernels, or "
            "cuBLASLt where it is installed."),
        N_ ("Threads"),
        N_ ("Processor threads; 0 takes all cores."),
        N_ ("VAE tiles"),
        N_ ("Tiles bound the memory of large pictures."),
        N_ ("LoRAs"),
        N_ ("Small files that were trained to change what the model does, each with its "
            "strength."),
        N_ ("Incomplete LoRAs"),
        N_ ("Use what fits of a LoRA that was made for another model."),
        N_ ("Latent carry"),
        N_ ("Read what the turn before left instead of encoding its picture again, where the "
            "picture still shows it.") };

static const struct
{
  const char *value;
  const char *label;
} choices[] = {
  { "auto", N_ ("Automatic") },
  { "off", N_ ("Off") },
  { "on", N_ ("On") },
  { "cpu", N_ ("Processor") },
  { "cuda", N_ ("Graphics card (CUDA)") },
  { "own", N_ ("Espalier’s own") },
  { "cublaslt", "cuBLASLt" },
  { "offset", N_ ("Beside the first") },
  { "index", N_ ("Each on its own index") },
  { "match_input_image", N_ ("As the picture") },
  { "match_input", N_ ("As the picture") },
};

static const char *const advanced[] = { "device",
                                        "dtype",
                                        "vram",
                                        "blas",
                                        "threads",
                                        "vae_tiling",
                                        "multi_ref",
                                        "true_cfg",
                                        "step_cache",
                                        "negative_prompt",
                                        "output_format",
                                        "output_quality",
                                        "enable_safety_checker",
                                        "safety_tolerance",
                                        NULL };

const char *
esp_parameter_get_label (const EspParameter *parameter)
{
  g_return_val_if_fail (parameter != NULL, "");

  return parameter->title != NULL && parameter->title[0] != '\0' ? _ (parameter->title)
                                                                 : parameter->name;
}

char *
esp_parameter_dup_label_of (const char *name)
{
  static const struct
  {
    const char *name, *label;
  } names[] = {
    { "steps", N_ ("Steps") },
    { "guidance", N_ ("Guidance") },
    { "guidance_scale", N_ ("Guidance") },
    { "true_cfg", N_ ("True CFG scale") },
    { "true_cfg_scale", N_ ("True CFG scale") },
    { "size", N_ ("Size") },
    { "width", N_ ("Width") },
    { "height", N_ ("Height") },
    { "strength", N_ ("Strength") },
    { "sampler", N_ ("Sampler") },
    { "scheduler", N_ ("Scheduler") },
    { "precision", N_ ("Precision") },
    { "aspect_ratio", N_ ("Aspect ratio") },
    { "multi_ref", N_ ("Several references") },
    { "step_cache", N_ ("Step caching") },
    { "device", N_ ("Device") },
    { "dtype", N_ ("Number format") },
    { "vram", N_ ("Graphics memory") },
    { "blas", N_ ("Matrix library") },
    { "threads", N_ ("Threads") },
    { "vae_tiling", N_ ("VAE tiles") },
    { "loras", N_ ("LoRAs") },
    { "lora_partial", N_ ("Incomplete LoRAs") },
    { "latent_carry", N_ ("Latent carry") },
  };
  g_autofree char *words = NULL;
  g_autofree char *first = NULL;

  g_return_val_if_fail (name != NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i].name, name) == 0)
      return g_strdup (_ (names[i].label));

  words = g_strdelimit (g_strdup (name), "_-.", ' ');
  first = g_utf8_strup (words, (gssize) (g_utf8_next_char (words) - words));
  return g_strconcat (first, *words != '\0' ? g_utf8_next_char (words) : "", NULL);
}

const char *
esp_parameter_get_hint (const EspParameter *parameter)
{
  g_return_val_if_fail (parameter != NULL, NULL);

  return parameter->description != NULL && parameter->description[0] != '\0'
             ? _ (parameter->description)
             : NULL;
}

const char *
esp_parameter_get_choice_label (const char *choice)
{
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    if (g_strcmp0 (choices[i].value, choice) == 0)
      return _ (choices[i].label);

  if (choice != NULL && g_str_has_prefix (choice, "cuda:"))
    {
      /* Translators: %s is the card's number, as the command line names it: 0, 1, … */
      g_autofree char *label = g_strdup_printf (_ ("Graphics card %s"), choice + strlen ("cuda:"));

      return g_intern_string (label);
    }

  return choice;
}

gboolean
esp_parameter_is_advanced (const EspParameter *parameter)
{
  g_return_val_if_fail (parameter != NULL, FALSE);

  return parameter->advanced || g_strv_contains (advanced, parameter->name);
}

gboolean
esp_parameter_is_seed (const EspParameter *parameter)
{
  g_return_val_if_fail (parameter != NULL, FALSE);

  return parameter->type == ESP_PARAMETER_INTEGER
         && (g_strcmp0 (parameter->widget, "seed") == 0 || g_str_equal (parameter->name, "seed"));
}

gboolean
esp_parameter_is_size (const EspParameter *parameter)
{
  g_return_val_if_fail (parameter != NULL, FALSE);

  return parameter->type == ESP_PARAMETER_STRING
         && g_strcmp0 (parameter->format, "image-size") == 0;
}
