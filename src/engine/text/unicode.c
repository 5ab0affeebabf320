/* SPDX-License-Identifier: MIT */
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

#include "text/unicode-tables.h"

/* The arithmetic of Hangul syllables: The Unicode Standard, section 3.12. */
#define HANGUL_S       0xAC00U
#define HANGUL_L       0x1100U
#define HANGUL_V       0x1161U
#define HANGUL_T       0x11A7U
#define HANGUL_L_COUNT 19U
#define HANGUL_V_COUNT 21U
#define HANGUL_T_COUNT 28U
#define HANGUL_S_COUNT (HANGUL_L_COUNT * HANGUL_V_COUNT * HANGUL_T_COUNT)

/* In the order of GRAPHEME in tools/reference/unicode-tables.py. */
typedef enum
{
  G_OTHER,
  G_CR,
  G_LF,
  G_CONTROL,
  G_EXTEND,
  G_ZWJ,
  G_REGIONAL,
  G_PREPEND,
  G_SPACING_MARK,
  G_L,
  G_V,
  G_T,
  G_LV,
  G_LVT
} GraphemeClass;

typedef enum
{
  CONJUNCT_NONE,
  CONJUNCT_CONSONANT,
  CONJUNCT_LINKER,
  CONJUNCT_EXTEND
} ConjunctClass;

static unsigned
properties (uint32_t code_point)
{
  return esp_unicode_values[esp_unicode_blocks[esp_unicode_stage[code_point >> 8]]
                                              [code_point & 0xFF]];
}

unsigned
esp_unicode_flags (uint32_t code_point)
{
  return properties (code_point) & 31U;
}

static unsigned
combining_class (uint32_t code_point)
{
  int low = 0, high = esp_unicode_combining_count - 1;

  if (code_point < esp_unicode_combining[0].code_point)
    return 0;
  while (low <= high)
    {
      int middle = (low + high) / 2;
      const EspCombining *entry = &esp_unicode_combining[middle];

      if (entry->code_point == code_point)
        return entry->combining_class;
      if (entry->code_point < code_point)
        low = middle + 1;
      else
        high = middle - 1;
    }
  return 0;
}

static const EspMapping *
find_mapping (const EspMapping *table, int count, uint32_t code_point)
{
  int low = 0, high = count - 1;

  while (low <= high)
    {
      int middle = (low + high) / 2;

      if (table[middle].code_point == code_point)
        return &table[middle];
      if (table[middle].code_point < code_point)
        low = middle + 1;
      else
        high = middle - 1;
    }
  return NULL;
}

/* The composite of a pair, or 0. */
static uint32_t
compose (uint32_t first, uint32_t second)
{
  int low = 0, high = esp_unicode_compositions_count - 1;

  if (first - HANGUL_L < HANGUL_L_COUNT && second - HANGUL_V < HANGUL_V_COUNT)
    return HANGUL_S + ((first - HANGUL_L) * HANGUL_V_COUNT + (second - HANGUL_V)) * HANGUL_T_COUNT;
  if (first - HANGUL_S < HANGUL_S_COUNT && (first - HANGUL_S) % HANGUL_T_COUNT == 0
      && second - HANGUL_T - 1 < HANGUL_T_COUNT - 1)
    return first + (second - HANGUL_T);

  while (low <= high)
    {
      int middle = (low + high) / 2;
      const EspComposition *entry = &esp_unicode_compositions[middle];

      if (entry->first == first && entry->second == second)
        return entry->composed;
      if (entry->first < first || (entry->first == first && entry->second < second))
        low = middle + 1;
      else
        high = middle - 1;
    }
  return 0;
}

/* A code point with its combining class and its place, by which the sort below is stable. */
typedef struct Mark
{
  uint32_t code_point;
  uint32_t combining_class;
  size_t place;
} Mark;

typedef struct Marks
{
  Mark *items;
  size_t count, capacity;
} Marks;

static bool
marks_append (Marks *marks, uint32_t code_point)
{
  if (marks->count == marks->capacity)
    {
      size_t capacity = marks->capacity ? marks->capacity * 2 : 64;
      Mark *items = realloc (marks->items, capacity * sizeof *items);

      if (items == NULL)
        return false;
      marks->items = items;
      marks->capacity = capacity;
    }
  marks->items[marks->count] = (Mark){ code_point, combining_class (code_point), marks->count };
  marks->count++;
  return true;
}

static bool
append_decomposed (Marks *marks, uint32_t code_point)
{
  const EspMapping *mapping;

  if (code_point < 0xC0)
    return marks_append (marks, code_point);
  if (code_point - HANGUL_S < HANGUL_S_COUNT)
    {
      uint32_t index = code_point - HANGUL_S;
      uint32_t trailing = index % HANGUL_T_COUNT;

      return marks_append (marks, HANGUL_L + index / (HANGUL_V_COUNT * HANGUL_T_COUNT))
             && marks_append (marks, HANGUL_V + index / HANGUL_T_COUNT % HANGUL_V_COUNT)
             && (trailing == 0 || marks_append (marks, HANGUL_T + trailing));
    }
  mapping = find_mapping (esp_unicode_decompositions, esp_unicode_decompositions_count, code_point);
  if (mapping == NULL)
    return marks_append (marks, code_point);
  for (unsigned i = 0; i < mapping->length; i++)
    if (!marks_append (marks, esp_unicode_pool[mapping->offset + i]))
      return false;
  return true;
}

static int
compare_marks (const void *a, const void *b)
{
  const Mark *left = a, *right = b;

  if (left->combining_class != right->combining_class)
    return left->combining_class < right->combining_class ? -1 : 1;
  return left->place < right->place ? -1 : left->place > right->place;
}

/* Sorts each run of non-starters by combining class (definition D108). qsort, because a text of
 * 10,000 marks in one run is allowed. */
static void
order_marks (Marks *marks)
{
  size_t i = 0;

  while (i < marks->count)
    {
      size_t start = i;

      while (i < marks->count && marks->items[i].combining_class != 0)
        i++;
      if (i - start > 1)
        qsort (marks->items + start, i - start, sizeof (Mark), compare_marks);
      if (i == start)
        i++;
    }
}

/* The composition algorithm (definition D117), in place. */
static void
compose_marks (Marks *marks)
{
  Mark *items = marks->items;
  size_t count = 0, starter = 0;
  bool has_starter = false;
  unsigned last_class = 0;

  for (size_t i = 0; i < marks->count; i++)
    {
      Mark mark = items[i];
      bool adjacent = has_starter && count == starter + 1;
      uint32_t composite = 0;

      if (has_starter && (adjacent || last_class < mark.combining_class))
        composite = compose (items[starter].code_point, mark.code_point);
      if (composite != 0)
        {
          items[starter].code_point = composite;
          continue;
        }
      if (mark.combining_class == 0)
        {
          has_starter = true;
          starter = count;
        }
      last_class = mark.combining_class;
      items[count++] = mark;
    }
  marks->count = count;
}

bool
esp_unicode_append_nfc (EspText *out, const char *text, size_t length)
{
  Marks marks = { 0 };
  bool fine = true;
  size_t offset = 0;

  /* Nothing below U+0300 composes or reorders, and nearly every prompt is such a text. */
  while (offset < length && (unsigned char) text[offset] < 0xCC)
    offset++;
  if (offset == length)
    return esp_text_append (out, text, length);

  for (offset = 0; fine && offset < length;)
    fine = append_decomposed (&marks, esp_utf8_next (text, &offset));
  if (fine)
    {
      order_marks (&marks);
      compose_marks (&marks);
    }
  for (size_t i = 0; fine && i < marks.count; i++)
    fine = esp_text_append_code_point (out, marks.items[i].code_point);
  free (marks.items);
  return fine;
}

bool
esp_unicode_append_lower (EspText *out, const char *text, size_t length)
{
  for (size_t offset = 0; offset < length;)
    {
      size_t start = offset;
      uint32_t c = esp_utf8_next (text, &offset);
      const EspMapping *mapping = NULL;

      if (c < 0x80)
        {
          char lower = (char) (c >= 'A' && c <= 'Z' ? c + 32 : c);

          if (!esp_text_append (out, &lower, 1))
            return false;
          continue;
        }
      mapping = find_mapping (esp_unicode_lower, esp_unicode_lower_count, c);
      if (mapping == NULL)
        {
          if (!esp_text_append (out, text + start, offset - start))
            return false;
          continue;
        }
      for (unsigned i = 0; i < mapping->length; i++)
        if (!esp_text_append_code_point (out, esp_unicode_pool[mapping->offset + i]))
          return false;
    }
  return true;
}

/* What the rules that look further back than one code point need to know. */
typedef struct GraphemeState
{
  GraphemeClass previous;
  bool odd_regionals;         /* GB12, GB13: an odd number of regional indicators so far */
  bool pictograph, joined;    /* GB11: a pictograph and extenders so far; … and then a joiner */
  bool consonant, has_linker; /* GB9c: a consonant and extenders so far; … with a linker */
} GraphemeState;

static void
grapheme_advance (GraphemeState *state, unsigned property)
{
  GraphemeClass class = (property >> 5) & 15U;
  ConjunctClass conjunct = (property >> 10) & 3U;

  state->odd_regionals = class == G_REGIONAL && !state->odd_regionals;
  state->joined = state->pictograph && class == G_ZWJ;
  state->pictograph = (property >> 9 & 1U) || (state->pictograph && class == G_EXTEND);
  if (conjunct == CONJUNCT_CONSONANT)
    {
      state->consonant = true;
      state->has_linker = false;
    }
  else if (conjunct == CONJUNCT_LINKER)
    state->has_linker = state->consonant;
  else if (conjunct != CONJUNCT_EXTEND)
    state->consonant = state->has_linker = false;
  state->previous = class;
}

/* Rules GB3 … GB999: is there a boundary before a code point with these properties? */
static bool
grapheme_breaks (const GraphemeState *state, unsigned property)
{
  GraphemeClass before = state->previous, after = (property >> 5) & 15U;

  if (before == G_CR && after == G_LF)
    return false;
  if ((before >= G_CR && before <= G_CONTROL) || (after >= G_CR && after <= G_CONTROL))
    return true;
  if (before == G_L && (after == G_L || after == G_V || after == G_LV || after == G_LVT))
    return false;
  if ((before == G_LV || before == G_V) && (after == G_V || after == G_T))
    return false;
  if ((before == G_LVT || before == G_T) && after == G_T)
    return false;
  if (after == G_EXTEND || after == G_ZWJ || after == G_SPACING_MARK || before == G_PREPEND)
    return false;
  if (state->consonant && state->has_linker && (property >> 10 & 3U) == CONJUNCT_CONSONANT)
    return false;
  if (state->joined && (property >> 9 & 1U))
    return false;
  if (state->odd_regionals && after == G_REGIONAL)
    return false;
  return true;
}

size_t
esp_unicode_grapheme_end (const char *text, size_t length, size_t offset)
{
  GraphemeState state = { 0 };

  grapheme_advance (&state, properties (esp_utf8_next (text, &offset)));
  while (offset < length)
    {
      size_t next = offset;
      unsigned property = properties (esp_utf8_next (text, &next));

      if (grapheme_breaks (&state, property))
        break;
      grapheme_advance (&state, property);
      offset = next;
    }
  return offset;
}
