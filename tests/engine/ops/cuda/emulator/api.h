/* SPDX-License-Identifier: MIT */
/* api.h: what the sources of the emulated driver share. */
#pragma once

#include "fibres.h"
#include "memory.h"

#include <mutex>

#define EXPORT extern "C" __attribute__ ((visibility ("default")))

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;

/* The driver's own numbers; ours has names for what cuda-driver.h does not. */
enum
{
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  LAUNCH_OUT_OF_RESOURCES = 701,
  LAUNCH_FAILED = 719,
  CAPTURE_UNSUPPORTED = 900,
  CAPTURE_INVALIDATED = 901,
  CAPTURE_UNMATCHED = 903,
  CAPTURE_UNJOINED = 904,
  CAPTURE_ISOLATION = 905,
  CAPTURED_EVENT = 907,
};

struct CUctx_st
{
  int device;
  int holders;
};

struct CUmod_st
{
  int device;
};

struct CUfunc_st
{
  const cuemu::Kernel *kernel;
  int device;
  size_t shared_limit; /* of dynamic shared memory */
};

namespace cuemu
{

/* Held by every function of the driver. */
extern std::recursive_mutex driver_lock;
extern thread_local CUctx_st *current;

typedef std::lock_guard<std::recursive_mutex> Guard;

/* A number from the environment. */
long setting (const char *name, long otherwise);

/* Everything asked of the card so far has happened when it returns, but for what is recorded. */
void finish_device (int device);

/* Whether kernels and copies are done at all, or only timed: CUEMU_KERNELS=skip. */
bool computes (void);

}
