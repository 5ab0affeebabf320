/* SPDX-License-Identifier: MIT */
/* cpu-topology.c: what this machine's processor can do and how much of it we may use. */
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>

#include "ops/cpu/cpu-device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

int
esp_cpu_usable_threads (void)
{
  cpu_set_t set;
  long online;

  if (sched_getaffinity (0, sizeof set, &set) == 0 && CPU_COUNT (&set) > 0)
    return CPU_COUNT (&set);
  online = sysconf (_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int) online : 1;
}

/* The number behind `key` in a file of "key: number kB" lines, or the file's only number when key
 * is NULL; 0 when there is none (cgroup's "max" included). */
static uint64_t
number_in (const char *path, const char *key)
{
  char line[256];
  uint64_t value = 0;
  FILE *file = fopen (path, "re");

  if (file == NULL)
    return 0;
  while (fgets (line, sizeof line, file) != NULL)
    {
      const char *number = line;
      char *end;

      if (key != NULL)
        {
          if (strncmp (line, key, strlen (key)) != 0 || line[strlen (key)] != ':')
            continue;
          number += strlen (key) + 1;
        }
      value = strtoull (number, &end, 10);
      if (end != number)
        break;
    }
  fclose (file);
  return value;
}

size_t
esp_cpu_free_memory (void)
{
  uint64_t available = number_in ("/proc/meminfo", "MemAvailable") * 1024;
  uint64_t limit = number_in ("/sys/fs/cgroup/memory.max", NULL);
  uint64_t used = number_in ("/sys/fs/cgroup/memory.current", NULL);

  if (limit > used && limit - used < available)
    available = limit - used;
  return (size_t) available;
}

#if defined(__x86_64__)
/* CPUID leaf 7: EDX bit 22 of sub-leaf 0 is AMX-BF16, EAX bit 5 of sub-leaf 1 AVX512-BF16. */
static void
bf16_features (bool *amx, bool *avx512)
{
  unsigned a = 0, b = 0, c = 0, d = 0;

  *amx = __get_cpuid_count (7, 0, &a, &b, &c, &d) && (d >> 22 & 1);
  *avx512 = __get_cpuid_count (7, 1, &a, &b, &c, &d) && (a >> 5 & 1)
            && __builtin_cpu_supports ("avx512f");
}

bool
esp_cpu_has_bf16 (void)
{
  bool amx, avx512;

  bf16_features (&amx, &avx512);
  return amx || avx512;
}

const char *
esp_cpu_instructions (void)
{
  bool amx, avx512;

  bf16_features (&amx, &avx512);
  if (amx && avx512)
    return "AVX-512, AMX-BF16";
  if (avx512)
    return "AVX-512, BF16";
  if (__builtin_cpu_supports ("avx512f"))
    return "AVX-512";
  return __builtin_cpu_supports ("avx2") ? "AVX2" : "SSE2";
}

void
esp_cpu_model_name (char *name, size_t size)
{
  union
  {
    unsigned words[12];
    char text[49];
  } brand = { { 0 } };
  const char *start = brand.text;

  for (unsigned leaf = 0; leaf < 3; leaf++)
    __get_cpuid (0x80000002u + leaf, &brand.words[4 * leaf], &brand.words[4 * leaf + 1],
                 &brand.words[4 * leaf + 2], &brand.words[4 * leaf + 3]);
  while (*start == ' ')
    start++;
  snprintf (name, size, "%s", *start != '\0' ? start : "x86-64 processor");
}

const EspMatrixKernels *
esp_cpu_matrix (const char *level)
{
  /* Linux gives a process the tile registers on request: arch_prctl (ARCH_REQ_XCOMP_PERM, 18). */
  const long request = 0x1023, tile_data = 18;
  bool amx, avx512;

  bf16_features (&amx, &avx512);
  if ((level != NULL && strcmp (level, "amx") != 0) || !amx || !avx512
      || !__builtin_cpu_supports ("avx512bw") || !__builtin_cpu_supports ("avx512vl")
      || syscall (SYS_arch_prctl, request, tile_data) != 0)
    return NULL;
  return &esp_matrix_amx;
}

/* CPUID leaf 7: ECX bit 11 of sub-leaf 0 is AVX512-VNNI, EAX bit 4 of sub-leaf 1 AVX-VNNI. */
static bool
has_avx512_vnni (void)
{
  unsigned a = 0, b = 0, c = 0, d = 0;

  return __get_cpuid_count (7, 0, &a, &b, &c, &d) && (c >> 11 & 1);
}

static bool
has_avx_vnni (void)
{
  unsigned a = 0, b = 0, c = 0, d = 0;

  return __get_cpuid_count (7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

const EspPanelKernels *
esp_cpu_panels (const char *level, EspOperand operand)
{
  const EspKernels *kernels = esp_cpu_kernels (level);
  const bool widest = level == NULL || strcmp (level, "amx") == 0,
             middle = kernels == &esp_kernels_avx2;
  bool amx, bf16;

  bf16_features (&amx, &bf16);
  if (kernels == &esp_kernels_baseline || kernels == NULL)
    return operand == ESP_OPERAND_F32  ? &esp_panels_f32_baseline
           : operand == ESP_OPERAND_S8 ? &esp_panels_s8_baseline
                                       : NULL;
  switch (operand)
    {
    case ESP_OPERAND_BF16:
      if (middle)
        return NULL;
      return widest && esp_cpu_matrix (level) != NULL ? &esp_panels_bf16_amx
             : bf16                                   ? &esp_panels_bf16_avx512bf16
                                                      : NULL;
    case ESP_OPERAND_SPLIT:
      return widest && esp_cpu_matrix (level) != NULL ? &esp_panels_split_amx : NULL;
    case ESP_OPERAND_S8:
      if (!middle && has_avx512_vnni ())
        return &esp_panels_s8_avx512vnni;
      if (has_avx_vnni () && (level == NULL || strcmp (level, "avx2") != 0))
        return &esp_panels_s8_avxvnni;
      return &esp_panels_s8_avx2;
    default:
      return middle ? &esp_panels_f32_avx2 : &esp_panels_f32_avx512;
    }
}

const EspKernels *
esp_cpu_kernels (const char *level)
{
  bool avx2 = __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma");
  bool avx512 = avx2 && __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
                && __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl");

  if (level == NULL)
    return avx512 ? &esp_kernels_avx512 : avx2 ? &esp_kernels_avx2 : &esp_kernels_baseline;
  if (strcmp (level, "amx") == 0)
    return esp_cpu_matrix (level) != NULL ? &esp_kernels_avx512 : NULL;
  if (strcmp (level, ESP_CPU_PAIRS_LEVEL) == 0)
    {
      bool amx, pairs;

      bf16_features (&amx, &pairs);
      return avx512 && pairs ? &esp_kernels_avx512 : NULL;
    }
  if (strcmp (level, esp_kernels_avx512.name) == 0)
    return avx512 ? &esp_kernels_avx512 : NULL;
  if (strcmp (level, esp_kernels_avx2.name) == 0)
    return avx2 ? &esp_kernels_avx2 : NULL;
  if (strcmp (level, "avxvnni") == 0)
    return avx2 && has_avx_vnni () ? &esp_kernels_avx2 : NULL;
  return strcmp (level, esp_kernels_baseline.name) == 0 ? &esp_kernels_baseline : NULL;
}
#else
#if defined(__aarch64__)
static bool
has_dot_products (void)
{
  return (getauxval (AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}
#endif

const EspMatrixKernels *
esp_cpu_matrix (const char *level)
{
  return NULL;
}

bool
esp_cpu_has_bf16 (void)
{
  return false;
}

const char *
esp_cpu_instructions (void)
{
#if defined(__aarch64__)
  return has_dot_products () ? "NEON, dot products" : "NEON";
#else
  return "baseline instructions";
#endif
}

void
esp_cpu_model_name (char *name, size_t size)
{
#if defined(__aarch64__)
  snprintf (name, size, "aarch64 processor");
#else
  snprintf (name, size, "processor");
#endif
}

const EspPanelKernels *
esp_cpu_panels (const char *level, EspOperand operand)
{
  switch (operand)
    {
    case ESP_OPERAND_BF16:
    case ESP_OPERAND_SPLIT:
      return NULL;
    case ESP_OPERAND_S8:
#if defined(__aarch64__)
      if (has_dot_products () && (level == NULL || strcmp (level, "dotprod") == 0))
        return &esp_panels_s8_dotprod;
#endif
      return &esp_panels_s8_baseline;
    default:
      return &esp_panels_f32_baseline;
    }
}

const EspKernels *
esp_cpu_kernels (const char *level)
{
  if (level == NULL || strcmp (level, esp_kernels_baseline.name) == 0)
    return &esp_kernels_baseline;
#if defined(__aarch64__)
  if (strcmp (level, "dotprod") == 0 && has_dot_products ())
    return &esp_kernels_baseline;
#endif
  return NULL;
}
#endif
