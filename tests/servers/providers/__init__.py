# SPDX-License-Identifier: GPL-3.0-or-later
"""The providers that can be acted out, by name."""
from . import bfl, comfyui, eachlabs, fal, openai, oxen, replicate, runflow, runpod, sdcpp

PROVIDERS = {module.NAME: module.Provider
             for module in (runpod, runflow, oxen, eachlabs, bfl, replicate, fal, openai, sdcpp, comfyui)}
