/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shift-clock.c: a library that is loaded before the C library and lets the clocks jump, as
 * somebody does who sets them, or a computer that was asleep:
 *
 *   SHIFT_CLOCK_WALL    seconds by which the time of day jumps, each time to the other side
 *   SHIFT_CLOCK_STEADY  seconds by which the time since the start jumps, each time forward
 *   SHIFT_CLOCK_EVERY   after how many questions (100)
 *
 * The steady clock never goes back: the kernel promises that. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define EXPORT __attribute__ ((visibility ("default")))

static int (*real) (clockid_t, struct timespec *);
static long wall, steady, every;
static atomic_long asked;

__attribute__ ((constructor)) static void
start (void)
{
  const char *text;

  unsetenv ("LD_PRELOAD"); /* whoever it starts is another case */
  real = (int (*) (clockid_t, struct timespec *)) dlsym (RTLD_NEXT, "clock_gettime");
  wall = (text = getenv ("SHIFT_CLOCK_WALL")) != NULL ? atol (text) : 0;
  steady = (text = getenv ("SHIFT_CLOCK_STEADY")) != NULL ? atol (text) : 0;
  every = (text = getenv ("SHIFT_CLOCK_EVERY")) != NULL ? atol (text) : 100;
}

EXPORT int
clock_gettime (clockid_t clock, struct timespec *time)
{
  long jumps;
  int result;

  if (real == NULL)
    start ();
  result = real (clock, time);
  jumps = (atomic_fetch_add (&asked, 1) + 1) / every;
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    time->tv_sec += jumps % 3 == 0 ? 0 : jumps % 3 == 1 ? wall : -wall;
  else if (result == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME))
    time->tv_sec += jumps * steady;
  return result;
}

EXPORT int
gettimeofday (struct timeval *time, void *zone)
{
  struct timespec now;

  (void) zone;
  if (clock_gettime (CLOCK_REALTIME, &now) != 0)
    return -1;
  *time = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
  return 0;
}

EXPORT time_t
time (time_t *result)
{
  struct timespec now;

  if (clock_gettime (CLOCK_REALTIME, &now) != 0)
    return (time_t) -1;
  if (result != NULL)
    *result = now.tv_sec;
  return now.tv_sec;
}
