/* SPDX-License-Identifier: MIT */
/* lora-alpha.h: the alpha of LoRAs whose files have no tensor for it. Internal to model/. */
#pragma once

#include "model/lora-file.h"

/* Scales the modules without an alpha of their own by what diffusers ("lora_adapter_metadata" in
 * the file's header) or PEFT (adapter_config.json beside adapter_model.safetensors) wrote down:
 * lora_alpha, alpha_pattern, use_rslora. Leaves them alone where there is neither. */
EspStatus esp_lora_read_alphas (EspLoraFile *file, EspError *error);
