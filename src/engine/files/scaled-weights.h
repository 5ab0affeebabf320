/* SPDX-License-Identifier: MIT */
/* scaled-weights.h: fp8 weights that a file keeps with a scale beside each. Internal to files/. */
#pragma once

#include "files/tensor-file.h"

/* Three kinds of fp8 files are about:
 *
 *   plain     the weights alone;
 *   legacy    a marker tensor `scaled_fp8`, and `X.scale_weight` beside `X.weight`;
 *   current   `X.weight_scale` beside `X.weight`, and the layer's format in the header
 *             ("_quantization_metadata") or in a tensor `X.comfy_quant`.
 *
 * Puts each weight's scale into its EspWeight and hides the side tensors, over all files of a
 * component. `X.scale_input` and `X.input_scale` are for products that round their inputs to fp8,
 * which this engine does not: they are hidden and left alone.
 *
 * ESP_ERROR_FORMAT: a scale that is no single number, not positive, not finite, or without its
 * weight; a layer that is said to be scaled, without a scale. ESP_ERROR_UNSUPPORTED: a layer in
 * another format, by its name (NVFP4, bitsandbytes, …). */
EspStatus esp_resolve_scales (EspTensorFile *const *files, int count, EspError *error);
