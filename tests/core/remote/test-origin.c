/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where requests and keys may go. */
#include <gio/gio.h>

#include "esp-origin.h"

static void
test_origin_of (void)
{
  static const struct
  {
    const char *url, *origin;
  } cases[] = {
    { "https://api.example.com", "https://api.example.com" },
    { "HTTPS://API.Example.COM:443/v1?x#y", "https://api.example.com" },
    { "https://api.example.com:8443/", "https://api.example.com:8443" },
    { "http://localhost:80/x", "http://localhost" },
    { "http://[::1]:8188/ws", "http://[::1]:8188" },
    { "https://api.example.com./x", "https://api.example.com" },
    { "https://m\xc3\xbcller.example/", "https://xn--mller-kva.example" },
    { "http://2130706433/", "http://127.0.0.1" },
    { "https://\xe2\x93\x9bocalhost/", "https://localhost" },
    { "ftp://api.example.com/", NULL },
    { "file:///etc/passwd", NULL },
    { "data:text/plain,x", NULL },
    { "javascript:alert(1)", NULL },
    { "https://user@api.example.com/", NULL },
    { "https://user:word@api.example.com/", NULL },
    { "https://", NULL },
    { "api.example.com/v1", NULL },
    { "/v1/x", NULL },
    { "", NULL },
    { "https://exa mple.com/", NULL },
    { "https://api.example.com\r\nHost: evil/", NULL },
    { "https://api.example.com:99999/", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *origin = esp_origin_of (cases[i].url);

      g_test_message ("%s", cases[i].url);
      g_assert_cmpstr (origin, ==, cases[i].origin);
    }
}

static void
test_matches (void)
{
  g_assert_true (esp_origin_matches ("https://api.*.bfl.ai", "https://api.us1.bfl.ai"));
  g_assert_true (esp_origin_matches ("https://API.bfl.ai:443/", "https://api.bfl.ai"));
  g_assert_true (esp_origin_matches ("https://*.example.com", "https://a-b.example.com"));
  g_assert_true (esp_origin_matches ("https://d*y.*.bfl.ai", "https://delivery.eu2.bfl.ai"));

  g_assert_false (esp_origin_matches ("https://api.*.bfl.ai", "https://api.bfl.ai"));
  g_assert_false (esp_origin_matches ("https://api.*.bfl.ai", "https://api..bfl.ai"));
  g_assert_false (esp_origin_matches ("https://api.*.bfl.ai", "https://api.a.b.bfl.ai"));
  g_assert_false (esp_origin_matches ("https://api.*.bfl.ai", "http://api.us1.bfl.ai"));
  g_assert_false (esp_origin_matches ("https://api.*.bfl.ai", "https://api.us1.bfl.ai:444"));
  g_assert_false (esp_origin_matches ("https://api.*.bfl.ai", "https://api.us1.bfl.ai.evil.com"));
  g_assert_false (esp_origin_matches ("https://*", "https://evil.com"));
  g_assert_false (esp_origin_matches ("https://x:*", "https://evil.com"));
}

static void
test_resolve (void)
{
  static const struct
  {
    const char *base, *reference, *url;
  } cases[] = {
    { "https://api.runpod.ai/v2/endpoint", "run", "https://api.runpod.ai/v2/endpoint/run" },
    { "https://api.runpod.ai/v2/endpoint/", "status/a-1",
      "https://api.runpod.ai/v2/endpoint/status/a-1" },
    { "https://api.bfl.ai", "v1/flux", "https://api.bfl.ai/v1/flux" },
    { "http://127.0.0.1:1234", "/sdcpp/v1/jobs/7", "http://127.0.0.1:1234/sdcpp/v1/jobs/7" },
    { "http://box:1234/behind/proxy", "/sdcpp/v1/jobs/7", "http://box:1234/sdcpp/v1/jobs/7" },
    { "https://a.example/v1", "https://b.example/x?y=1&z=%2F#f",
      "https://b.example/x?y=1&z=%2F#f" },
    { "https://a.example/v1", "//b.example/x", "https://b.example/x" },
    { "https://a.example/v1", "x/../../y", "https://a.example/y" },
    { "https://a.example/v1", "view?filename=a%20b.png&type=output",
      "https://a.example/v1/view?filename=a%20b.png&type=output" },
    { "https://a.example/v1?k=1", "x", "https://a.example/v1/x" },
    { "https://a.example/v1", "", "https://a.example/v1" },
    { "https://a.example/v1", "x y", "https://a.example/v1/x%20y" },
    { "https://a.example/v1", "file:///etc/passwd", NULL },
    { "https://a.example/v1", "data:image/png;base64,AAAA", NULL },
    { "https://a.example/v1", "https://user@b.example/", NULL },
    { "a.example/v1", "x", NULL },
    { "ftp://a.example/v1", "x", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *url = esp_url_resolve (cases[i].base, cases[i].reference, &error);

      g_test_message ("%s + %s", cases[i].base, cases[i].reference);
      g_assert_cmpstr (url, ==, cases[i].url);
      g_assert_true ((url == NULL) == (error != NULL));
    }
}

/* Servers that somebody has put below a path of their own. */
static void
test_prefix (void)
{
  static const struct
  {
    const char *base, *usual, *prefix, *reference, *url;
  } cases[] = {
    { "http://box/team/a", "http://127.0.0.1:1234", "/team/a", "/sdcpp/v1/jobs/7",
      "http://box/team/a/sdcpp/v1/jobs/7" },
    { "http://box/team/a", "http://127.0.0.1:1234", "/team/a", "/team/a/jobs/7?x",
      "http://box/team/a/jobs/7?x" },
    { "http://box/team/a", "http://127.0.0.1:1234", "/team/a", "/team/alpha",
      "http://box/team/a/team/alpha" },
    { "http://box/team/a", "http://127.0.0.1:1234", "/team/a", "/team/a", "http://box/team/a" },
    { "http://box/team/a", "http://127.0.0.1:1234", "/team/a", "jobs/7",
      "http://box/team/a/jobs/7" },
    { "http://box/team/a", "http://127.0.0.1:1234", "/team/a", "//other/jobs/7",
      "http://other/jobs/7" },
    { "http://box/team/a", "http://127.0.0.1:1234", "/team/a", "http://box/jobs/7",
      "http://box/jobs/7" },
    { "http://box/team/v1", "http://127.0.0.1:8000/v1", "/team", "/v2/x", "http://box/team/v2/x" },
    { "http://box/v1", "http://127.0.0.1:8000/v1", "", "/v2/x", "http://box/v2/x" },
    { "http://box/xv1", "http://127.0.0.1:8000/v1", "", "/v2/x", "http://box/v2/x" },
    { "http://box", "https://api.example.com/v1/", "", "/v2/x", "http://box/v2/x" },
    { "http://box", "http://127.0.0.1:1234", "", "/jobs/7", "http://box/jobs/7" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *prefix = esp_url_dup_prefix (cases[i].base, cases[i].usual);
      const EspTrust trust = { .base_url = (char *) cases[i].base, .prefix = prefix };
      g_autoptr (GError) error = NULL;
      g_autofree char *url = esp_trust_resolve (&trust, cases[i].reference, &error);

      g_test_message ("%s + %s", cases[i].base, cases[i].reference);
      g_assert_no_error (error);
      g_assert_cmpstr (prefix, ==, cases[i].prefix);
      g_assert_cmpstr (url, ==, cases[i].url);
    }
}

static void
test_private (void)
{
  static const char *const private[] = { "127.0.0.1",
                                         "127.9.9.9",
                                         "10.1.2.3",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.168.0.1",
                                         "169.254.1.1",
                                         "100.64.0.1",
                                         "100.127.255.255",
                                         "0.0.0.0",
                                         "224.0.0.1",
                                         "::1",
                                         "::",
                                         "fe80::1",
                                         "febf::1",
                                         "fc00::1",
                                         "fd12::1",
                                         "ff02::1",
                                         "::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "64:ff9b::a00:1",
                                         "2002:7f00:1::",
                                         "255.255.255.255",
                                         "169.254.169.254",
                                         "fec0::1" };
  static const char *const public[]
      = { "1.1.1.1",        "172.15.0.1",       "172.32.0.1",  "100.63.255.255",
          "100.128.0.1",    "192.169.0.1",      "8.8.8.8",     "2606:4700::1111",
          "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808::1", "198.18.0.1" };

  for (guint i = 0; i < G_N_ELEMENTS (private); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (private[i]);

      g_test_message ("%s", private[i]);
      g_assert_true (esp_address_is_private (address));
    }
  for (guint i = 0; i < G_N_ELEMENTS (public); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (public[i]);

      g_test_message ("%s", public[i]);
      g_assert_false (esp_address_is_private (address));
    }

  g_assert_true (esp_host_is_loopback ("LocalHost"));
  g_assert_true (esp_host_is_loopback ("127.1.2.3"));
  g_assert_true (esp_host_is_loopback ("::1"));
  g_assert_true (esp_host_is_loopback ("[::1]"));
  g_assert_false (esp_host_is_loopback ("localhost.example.com"));
  g_assert_false (esp_host_is_loopback ("10.0.0.1"));
  g_assert_false (esp_host_is_loopback ("example.com"));
}

static void
assert_trust (const EspTrust *trust, const char *url, gboolean may_go, gboolean has_key)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", url);
  g_assert_cmpint (esp_trust_check_url (trust, url, &error), ==, may_go);
  g_assert_cmpint (error == NULL, ==, may_go);
  g_assert_cmpint (esp_trust_has_key (trust, url), ==, has_key);
}

static void
test_trust_public (void)
{
  EspTrust trust = { g_strdup ("https://api.bfl.ai/"), g_strdup ("https://api.bfl.ai"),
                     g_strsplit ("https://api.*.bfl.ai http://plain.bfl.ai", " ", 0), FALSE };

  assert_trust (&trust, "https://api.bfl.ai/v1/x", TRUE, TRUE);
  assert_trust (&trust, "https://api.us1.bfl.ai/v1/x", TRUE, TRUE);
  assert_trust (&trust, "https://delivery.bfl.ai/x", TRUE, FALSE);
  assert_trust (&trust, "https://api.bfl.ai:8443/", TRUE, FALSE);
  assert_trust (&trust, "https://api.bfl.ai.evil.com/", TRUE, FALSE);
  assert_trust (&trust, "http://api.bfl.ai/v1/x", FALSE, FALSE);
  assert_trust (&trust, "http://plain.bfl.ai/", FALSE, FALSE);
  assert_trust (&trust, "http://127.0.0.1/", FALSE, FALSE);
  assert_trust (&trust, "https://127.0.0.1/", FALSE, FALSE);
  assert_trust (&trust, "https://localhost/", FALSE, FALSE);
  assert_trust (&trust, "https://[::ffff:10.0.0.1]/", FALSE, FALSE);
  assert_trust (&trust, "https://169.254.169.254/latest", FALSE, FALSE);
  assert_trust (&trust, "https://0x7f000001/", FALSE, FALSE);
  assert_trust (&trust, "https://api.bfl.ai@evil.com/", FALSE, FALSE);
  assert_trust (&trust, "file:///etc/passwd", FALSE, FALSE);

  esp_trust_clear (&trust);
  g_assert_null (trust.base_url);
}

static void
test_trust_private (void)
{
  EspTrust trust
      = { g_strdup ("http://studio:8188/"), g_strdup ("http://studio:8188"), NULL, TRUE };

  assert_trust (&trust, "http://studio:8188/prompt", TRUE, TRUE);
  assert_trust (&trust, "http://studio:9000/view", TRUE, FALSE);
  assert_trust (&trust, "http://127.0.0.1:8188/view", TRUE, FALSE);
  assert_trust (&trust, "http://other:8188/view", FALSE, FALSE);
  assert_trust (&trust, "https://other/view", TRUE, FALSE);
  assert_trust (&trust, "ftp://studio/view", FALSE, FALSE);

  esp_trust_clear (&trust);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/origin/of", test_origin_of);
  g_test_add_func ("/remote/origin/matches", test_matches);
  g_test_add_func ("/remote/origin/resolve", test_resolve);
  g_test_add_func ("/remote/origin/prefix", test_prefix);
  g_test_add_func ("/remote/origin/private", test_private);
  g_test_add_func ("/remote/origin/trust/public", test_trust_public);
  g_test_add_func ("/remote/origin/trust/private", test_trust_private);

  return g_test_run ();
}
