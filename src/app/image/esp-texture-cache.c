/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-texture-cache.c: thumbnails as textures, up to a budget of bytes.
 *
 * An entry stands for a thumbnail of one size of one node. It is asked for (in the document's list
 * of requests), loading, there (in the list of those there, the most recently drawn first) or
 * failed. Requests are only picked up from the main loop, after the drawing that made them, so that
 * a pass over the visible nodes has renewed all that still matter.
 */
#define G_LOG_DOMAIN "espalier-image"

#include "esp-texture-cache.h"

#define DEFAULT_BUDGET (G_GUINT64_CONSTANT (192) << 20)
#define MAX_LOADS      3 /* at a time: decoding is quick, and the drawing needs a core, too */

typedef enum
{
  ENTRY_ASKED,
  ENTRY_LOADING,
  ENTRY_THERE,
  ENTRY_FAILED,
} EntryState;

/* What the cache knows of a document. */
typedef struct
{
  EspDocument *document; /* weak */
  GHashTable *entries;   /* of Entry, a set */
  guint64 pass;
} Room;

typedef struct
{
  /* the key */
  gint64 id;
  int size;

  Room *room;
  EspNode *node;
  char *sha256; /* what it shows, to see when the node shows something else */
  EntryState state;
  double distance;
  guint64 pass;        /* the room's when it was last looked up */
  GdkTexture *texture; /* ENTRY_THERE */
  guint64 bytes;
  GCancellable *cancellable; /* ENTRY_LOADING */
  GList link;                /* in `asked` or `there` */
} Entry;

struct _EspTextureCache
{
  GObject parent_instance;

  guint64 budget;
  guint64 bytes;
  GHashTable *rooms; /* EspDocument → Room */
  GQueue asked;      /* of Entry, latest last */
  GQueue there;      /* of Entry, most recently looked up first */
  guint n_loads;
  guint dispatch_id;
};

G_DEFINE_FINAL_TYPE (EspTextureCache, esp_texture_cache, G_TYPE_OBJECT)

enum
{
  LOADED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void schedule (EspTextureCache *self);

/* --- Entries ---------------------------------------------------------------------------------- */

static guint
entry_hash (gconstpointer data)
{
  const Entry *entry = data;

  return (guint) entry->id * 31u + (guint) entry->size;
}

static gboolean
entry_equal (gconstpointer a, gconstpointer b)
{
  const Entry *left = a, *right = b;

  return left->id == right->id && left->size == right->size;
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_object (&entry->texture);
  g_clear_object (&entry->node);
  g_clear_object (&entry->cancellable);
  g_free (entry->sha256);
  g_free (entry);
}

/* Takes the entry out of the lists it is in, and stops its load. */
static void
entry_detach (EspTextureCache *self, Entry *entry)
{
  switch (entry->state)
    {
    case ENTRY_ASKED:
      g_queue_unlink (&self->asked, &entry->link);
      break;
    case ENTRY_THERE:
      g_queue_unlink (&self->there, &entry->link);
      self->bytes -= entry->bytes;
      break;
    case ENTRY_LOADING:
      g_cancellable_cancel (entry->cancellable);
      break;
    case ENTRY_FAILED:
      break;
    }
}

static void
entry_remove (EspTextureCache *self, Entry *entry)
{
  entry_detach (self, entry);
  g_hash_table_remove (entry->room->entries, entry); /* frees it */
}

/* --- Rooms ------------------------------------------------------------------------------------ */

static void
room_free (EspTextureCache *self, Room *room)
{
  GHashTableIter iter;
  gpointer entry;

  g_hash_table_iter_init (&iter, room->entries);
  while (g_hash_table_iter_next (&iter, &entry, NULL))
    entry_detach (self, entry);
  g_hash_table_unref (room->entries);
  g_free (room);
}

static void
document_gone (gpointer data, GObject *document)
{
  EspTextureCache *self = data;
  Room *room = g_hash_table_lookup (self->rooms, document);

  g_hash_table_remove (self->rooms, document);
  if (room != NULL)
    room_free (self, room);
}

static Room *
ensure_room (EspTextureCache *self, EspDocument *document)
{
  Room *room = g_hash_table_lookup (self->rooms, document);

  if (room == NULL)
    {
      room = g_new0 (Room, 1);
      room->document = document;
      room->entries = g_hash_table_new_full (entry_hash, entry_equal, entry_free, NULL);
      g_hash_table_insert (self->rooms, document, room);
      g_object_weak_ref (G_OBJECT (document), document_gone, self);
    }
  return room;
}

/* --- Loading ---------------------------------------------------------------------------------- */

/* Lets textures go, the longest unused first, but none that the last pass over its document drew:
 * a view that shows more than the budget would load the same pictures for ever. */
static void
evict (EspTextureCache *self)
{
  GList *link = self->there.tail;

  while (self->bytes > self->budget && link != NULL)
    {
      Entry *entry = link->data;

      link = link->prev;
      if (entry->room->pass == 0 || entry->pass < entry->room->pass)
        entry_remove (self, entry);
    }
}

typedef struct
{
  EspTextureCache *cache;
  EspNode *node;
  int size;
  GCancellable *cancellable; /* which load this is */
} Load;

static void
load_free (Load *load)
{
  g_clear_object (&load->cache);
  g_clear_object (&load->node);
  g_clear_object (&load->cancellable);
  g_free (load);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Load, load_free)

static void
thumbnail_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  EspTextureCache *self = load->cache;
  EspDocument *document = ESP_DOCUMENT (source);
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (GError) error = NULL;
  Room *room = g_hash_table_lookup (self->rooms, document);
  const Entry key = { .id = esp_node_get_id (load->node), .size = load->size };
  Entry *entry = NULL;

  picture = esp_document_load_thumbnail_finish (document, result, &error);
  self->n_loads--;
  schedule (self);

  if (room != NULL)
    entry = g_hash_table_lookup (room->entries, &key);
  if (entry == NULL || entry->cancellable != load->cancellable)
    return; /* forgotten meanwhile */

  g_clear_object (&entry->cancellable);
  if (picture == NULL)
    {
      g_debug ("No thumbnail for node %" G_GINT64_FORMAT ": %s", entry->id, error->message);
      entry->state = ENTRY_FAILED;
      return;
    }
  entry->texture = esp_texture_new_for_picture (picture);
  entry->bytes = (guint64) picture->width * (guint64) picture->height * 3;
  entry->state = ENTRY_THERE;
  g_queue_push_head_link (&self->there, &entry->link);
  self->bytes += entry->bytes;
  evict (self);
  g_signal_emit (self, signals[LOADED], 0, document, load->node, load->size);
}

static void
start_load (EspTextureCache *self, Entry *entry)
{
  Load *load = g_new0 (Load, 1);

  g_queue_unlink (&self->asked, &entry->link);
  entry->state = ENTRY_LOADING;
  entry->cancellable = g_cancellable_new ();

  load->cache = g_object_ref (self);
  load->node = g_object_ref (entry->node);
  load->size = entry->size;
  load->cancellable = g_object_ref (entry->cancellable);
  self->n_loads++;
  esp_document_load_thumbnail_async (entry->room->document, entry->node, entry->size,
                                     entry->cancellable, thumbnail_loaded, load);
}

/* The nearest of the requests that are still wanted; forgets the others. */
static Entry *
next_request (EspTextureCache *self)
{
  Entry *best = NULL;
  GList *link = self->asked.head;

  while (link != NULL)
    {
      Entry *entry = link->data;

      link = link->next;
      if (entry->distance >= 0 && entry->pass < entry->room->pass)
        entry_remove (self, entry);
      else if (best == NULL || entry->distance < best->distance)
        best = entry;
    }
  return best;
}

static gboolean
dispatch (gpointer data)
{
  EspTextureCache *self = data;
  Entry *entry;

  self->dispatch_id = 0;
  while (self->n_loads < MAX_LOADS && (entry = next_request (self)) != NULL)
    start_load (self, entry);
  return G_SOURCE_REMOVE;
}

static void
schedule (EspTextureCache *self)
{
  if (self->dispatch_id == 0 && self->n_loads < MAX_LOADS && !g_queue_is_empty (&self->asked))
    self->dispatch_id = g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, dispatch, self, NULL);
}

/* --- What others call ------------------------------------------------------------------------- */

GdkTexture *
esp_texture_cache_lookup (EspTextureCache *self, EspDocument *document, EspNode *node, int size,
                          double distance)
{
  const char *sha256;
  Room *room;
  Entry key, *entry;

  g_return_val_if_fail (ESP_IS_TEXTURE_CACHE (self), NULL);
  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  sha256 = esp_node_get_sha256 (node);
  if (sha256 == NULL)
    return NULL;
  room = ensure_room (self, document);
  key.id = esp_node_get_id (node);
  key.size = size;
  entry = g_hash_table_lookup (room->entries, &key);
  if (entry != NULL && strcmp (entry->sha256, sha256) != 0)
    {
      entry_remove (self, entry);
      entry = NULL;
    }

  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      entry->id = key.id;
      entry->size = size;
      entry->room = room;
      entry->node = g_object_ref (node);
      entry->sha256 = g_strdup (sha256);
      entry->state = ENTRY_ASKED;
      entry->link.data = entry;
      g_hash_table_add (room->entries, entry);
      g_queue_push_tail_link (&self->asked, &entry->link);
      schedule (self);
    }
  entry->distance = distance;
  entry->pass = room->pass;

  if (entry->state != ENTRY_THERE)
    return NULL;
  if (self->there.head != &entry->link)
    {
      g_queue_unlink (&self->there, &entry->link);
      g_queue_push_head_link (&self->there, &entry->link);
    }
  return entry->texture;
}

void
esp_texture_cache_begin_pass (EspTextureCache *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_TEXTURE_CACHE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));

  ensure_room (self, document)->pass++;
  schedule (self);
}

void
esp_texture_cache_forget (EspTextureCache *self, EspDocument *document, EspNode *node)
{
  Room *room;

  g_return_if_fail (ESP_IS_TEXTURE_CACHE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (node == NULL || ESP_IS_NODE (node));

  room = g_hash_table_lookup (self->rooms, document);
  if (room == NULL)
    return;

  if (node == NULL)
    {
      g_object_weak_unref (G_OBJECT (document), document_gone, self);
      g_hash_table_remove (self->rooms, document);
      room_free (self, room);
    }
  else
    {
      GHashTableIter iter;
      gpointer entry;

      g_hash_table_iter_init (&iter, room->entries);
      while (g_hash_table_iter_next (&iter, &entry, NULL))
        if (((Entry *) entry)->id == esp_node_get_id (node))
          {
            entry_detach (self, entry);
            g_hash_table_iter_remove (&iter);
          }
    }
}

guint64
esp_texture_cache_get_bytes (EspTextureCache *self)
{
  g_return_val_if_fail (ESP_IS_TEXTURE_CACHE (self), 0);

  return self->bytes;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_texture_cache_dispose (GObject *object)
{
  EspTextureCache *self = ESP_TEXTURE_CACHE (object);
  GHashTableIter iter;
  gpointer document, room;

  g_clear_handle_id (&self->dispatch_id, g_source_remove);
  g_hash_table_iter_init (&iter, self->rooms);
  while (g_hash_table_iter_next (&iter, &document, &room))
    {
      g_object_weak_unref (document, document_gone, self);
      g_hash_table_iter_remove (&iter);
      room_free (self, room);
    }

  G_OBJECT_CLASS (esp_texture_cache_parent_class)->dispose (object);
}

static void
esp_texture_cache_finalize (GObject *object)
{
  EspTextureCache *self = ESP_TEXTURE_CACHE (object);

  g_hash_table_unref (self->rooms);

  G_OBJECT_CLASS (esp_texture_cache_parent_class)->finalize (object);
}

static void
esp_texture_cache_class_init (EspTextureCacheClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->dispose = esp_texture_cache_dispose;
  object_class->finalize = esp_texture_cache_finalize;

  signals[LOADED]
      = g_signal_new ("loaded", ESP_TYPE_TEXTURE_CACHE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 3, ESP_TYPE_DOCUMENT, ESP_TYPE_NODE, G_TYPE_INT);
}

static void
esp_texture_cache_init (EspTextureCache *self)
{
  self->rooms = g_hash_table_new (NULL, NULL);
  g_queue_init (&self->asked);
  g_queue_init (&self->there);
}

EspTextureCache *
esp_texture_cache_new (guint64 budget)
{
  EspTextureCache *self = g_object_new (ESP_TYPE_TEXTURE_CACHE, NULL);

  self->budget = budget;
  return self;
}

EspTextureCache *
esp_texture_cache_get_default (void)
{
  static EspTextureCache *cache;

  if (cache == NULL)
    cache = esp_texture_cache_new (DEFAULT_BUDGET);
  return cache;
}
