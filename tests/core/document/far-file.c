/* SPDX-License-Identifier: GPL-3.0-or-later */
/* far-file.c: just enough of GFile. */
#include "far-file.h"

#include <string.h>

struct _FarFile
{
  GObject parent_instance;

  GFile *file;
};

static gint is_closed; /* atomic: files are written on threads */

static void far_file_iface_init (GFileIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FarFile, far_file, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_FILE, far_file_iface_init))

static GFile *
wrap (GFile *file)
{
  FarFile *self = g_object_new (FAR_TYPE_FILE, NULL);

  self->file = file;
  return G_FILE (self);
}

GFile *
far_file_new (const char *path)
{
  return wrap (g_file_new_for_path (path));
}

void
far_file_set_closed (gboolean closed)
{
  g_atomic_int_set (&is_closed, closed);
}

static void
far_file_finalize (GObject *object)
{
  g_object_unref (FAR_FILE (object)->file);
  G_OBJECT_CLASS (far_file_parent_class)->finalize (object);
}

static void
far_file_class_init (FarFileClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = far_file_finalize;
}

static void
far_file_init (FarFile *self)
{
}

/* --- The interface ---------------------------------------------------------------------------- */

static GFile *
far_dup (GFile *file)
{
  return wrap (g_file_dup (FAR_FILE (file)->file));
}

static guint
far_hash (GFile *file)
{
  return g_file_hash (FAR_FILE (file)->file);
}

static gboolean
far_equal (GFile *a, GFile *b)
{
  return g_file_equal (FAR_FILE (a)->file, FAR_FILE (b)->file);
}

static gboolean
far_is_native (GFile *file)
{
  return FALSE;
}

static gboolean
far_has_uri_scheme (GFile *file, const char *scheme)
{
  return g_str_equal (scheme, "far");
}

static char *
far_get_uri_scheme (GFile *file)
{
  return g_strdup ("far");
}

static char *
far_get_basename (GFile *file)
{
  return g_file_get_basename (FAR_FILE (file)->file);
}

static char *
far_get_path (GFile *file)
{
  return NULL;
}

static char *
far_get_uri (GFile *file)
{
  g_autofree char *uri = g_file_get_uri (FAR_FILE (file)->file);

  return g_strconcat ("far", uri + strlen ("file"), NULL);
}

static GFile *
far_get_parent (GFile *file)
{
  GFile *parent = g_file_get_parent (FAR_FILE (file)->file);

  return parent != NULL ? wrap (parent) : NULL;
}

static GFileInfo *
far_query_info (GFile *file, const char *attributes, GFileQueryInfoFlags flags,
                GCancellable *cancellable, GError **error)
{
  return g_file_query_info (FAR_FILE (file)->file, attributes, flags, cancellable, error);
}

static GFileInputStream *
far_read (GFile *file, GCancellable *cancellable, GError **error)
{
  return g_file_read (FAR_FILE (file)->file, cancellable, error);
}

static GFileOutputStream *
far_replace (GFile *file, const char *etag, gboolean make_backup, GFileCreateFlags flags,
             GCancellable *cancellable, GError **error)
{
  if (!g_atomic_int_get (&is_closed))
    return g_file_replace (FAR_FILE (file)->file, etag, make_backup, flags, cancellable, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "The share does not answer");
  return NULL;
}

static void
far_file_iface_init (GFileIface *iface)
{
  iface->dup = far_dup;
  iface->hash = far_hash;
  iface->equal = far_equal;
  iface->is_native = far_is_native;
  iface->has_uri_scheme = far_has_uri_scheme;
  iface->get_uri_scheme = far_get_uri_scheme;
  iface->get_basename = far_get_basename;
  iface->get_path = far_get_path;
  iface->get_uri = far_get_uri;
  iface->get_parse_name = far_get_uri;
  iface->get_parent = far_get_parent;
  iface->query_info = far_query_info;
  iface->read_fn = far_read;
  iface->replace = far_replace;
}
