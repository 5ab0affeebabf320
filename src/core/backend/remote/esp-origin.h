/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-origin.h: where a request may go, and where the key may go along.
 *
 * An origin is scheme, host and port (RFC 6454). A trust says for one turn which origins are the
 * provider's own, and whether it is a server in the person's own network.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* "https://host:8443" in lower case without default ports; NULL if `url` is no http(s) URL with a
 * host, or has user info in it. */
char *esp_origin_of (const char *url) G_GNUC_WARN_UNUSED_RESULT;

/* Does `origin` match "https://api.*.example.com"? "*" stands for one or more labels' characters
 * without a dot. */
gboolean esp_origin_matches (const char *pattern, const char *origin);

/* The URL that `reference` means where `base` stands (RFC 3986); a relative one without leading "/"
 * is put below `base`, whose path counts as a folder. NULL with error if it is no http(s) URL. */
char *esp_url_resolve (const char *base, const char *reference,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The path that `base` has before that of `usual`: "/team" of "https://proxy/team/v1" where usual
 * is
 * ".../v1"; "" where there is none. Both are addresses that esp_origin_of () takes. */
char *esp_url_dup_prefix (const char *base, const char *usual) G_GNUC_WARN_UNUSED_RESULT;

/* A host of this computer ("localhost", 127.0.0.0/8, ::1). By name only; no look-up. */
gboolean esp_host_is_loopback (const char *host);

/* Loopback, private, link-local, unique-local, unspecified, multicast, shared (100.64/10), and IPv4
 * in IPv6 forms of these. */
gboolean esp_address_is_private (GInetAddress *address);

typedef struct
{
  char *base_url;      /* resolved: config filled in */
  char *origin;        /* of base_url */
  GStrv key_origins;   /* patterns besides */
  gboolean is_private; /* base_url's host is loopback or was named by the person as theirs: http and
                          private addresses are allowed */
  char *prefix;        /* NULL or "": none; else the path of whoever stands before the server, which
                          the server itself does not know of */
} EspTrust;

void esp_trust_clear (EspTrust *self);

/* esp_url_resolve () on base_url, for what the server names: an address from its root ("/jobs/1")
 * is below `prefix`, too. */
char *esp_trust_resolve (const EspTrust *self, const char *reference,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* May a request go to `url` (ours or the provider's idea)? https, or http where is_private and the
 * host is loopback or the base URL's. The resolved addresses are checked by EspHttp when it
 * connects. */
gboolean esp_trust_check_url (const EspTrust *self, const char *url, GError **error);

/* May the key go to `url`? */
gboolean esp_trust_has_key (const EspTrust *self, const char *url);

G_END_DECLS
