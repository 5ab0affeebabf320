/* SPDX-License-Identifier: MIT */
/* inspect-estimate.h: what an edit will cost on this machine, before one is made. */
#pragma once

#include "model/flux-transformer.h"

/* An edit of one reference at the size of the result, both `pixels` large. */
typedef struct EspEstimate
{
  double step_flops;       /* multiplications and additions of one step */
  double flops_per_second; /* measured here, with the weights' number format */
  double seconds_per_step;
  size_t ram;  /* bytes, at the most hungry stage; mapped weights included */
  size_t vram; /* bytes that a graphics card would need for the steps alone */
  char device[160];
} EspEstimate;

/* Multiplications and additions of one step with so many tokens of text and of pictures: the
 * blocks' matrices for every token they see, and attention. */
double esp_flux_step_operations (const EspFluxConfig *config, int64_t text, int64_t picture);

/* `transformer`, `text` (both encoders) and `vae` are bytes of weights; `format` is the one that
 * most of the transformer is in. False if the processor cannot be used. */
bool esp_estimate (const EspFlux *flux, EspDType format, int64_t pixels, int64_t text_tokens,
                   size_t text, size_t vae, EspEstimate *estimate);
