/* SPDX-License-Identifier: MIT */
/* cuda-atomics.h: atomic operations; blocks may run on several threads of the processor. */
#pragma once

namespace cuemu
{

/* *p = change (*p), at once; what was there. */
template <class T, class Change>
static inline T
atomically (T *p, Change change)
{
  typedef std::conditional_t<sizeof (T) == 8, unsigned long long,
                             std::conditional_t<sizeof (T) == 4, unsigned, unsigned short> >
      Bits;
  Bits was = __atomic_load_n (reinterpret_cast<Bits *> (p), __ATOMIC_RELAXED), next;
  T value;

  do
    {
      memcpy (&value, &was, sizeof value);
      const T changed = change (value);
      memcpy (&next, &changed, sizeof next);
    }
  while (!__atomic_compare_exchange_n (reinterpret_cast<Bits *> (p), &was, next, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  return value;
}

template <class T> struct Same
{
  typedef T type;
};

}

template <class T>
static inline T
atomicAdd (T *p, typename cuemu::Same<T>::type x)
{
  return cuemu::atomically (p, [x] (T was) { return T (was + x); });
}

template <class T>
static inline T
atomicSub (T *p, typename cuemu::Same<T>::type x)
{
  return cuemu::atomically (p, [x] (T was) { return T (was - x); });
}

template <class T>
static inline T
atomicMax (T *p, typename cuemu::Same<T>::type x)
{
  return cuemu::atomically (p, [x] (T was) { return was > x ? was : x; });
}

template <class T>
static inline T
atomicMin (T *p, typename cuemu::Same<T>::type x)
{
  return cuemu::atomically (p, [x] (T was) { return was < x ? was : x; });
}

template <class T>
static inline T
atomicOr (T *p, typename cuemu::Same<T>::type x)
{
  return cuemu::atomically (p, [x] (T was) { return was | x; });
}

template <class T>
static inline T
atomicExch (T *p, typename cuemu::Same<T>::type x)
{
  return cuemu::atomically (p, [x] (T) { return x; });
}

template <class T>
static inline T
atomicCAS (T *p, typename cuemu::Same<T>::type compare, typename cuemu::Same<T>::type x)
{
  return cuemu::atomically (p, [compare, x] (T was) { return was == compare ? x : was; });
}

/* Counts 0, 1, … most, 0, … */
static inline unsigned
atomicInc (unsigned *p, unsigned most)
{
  return cuemu::atomically (p, [most] (unsigned was) { return was >= most ? 0 : was + 1; });
}
