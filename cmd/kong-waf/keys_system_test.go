package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKongsOwnCredentials: a consumer's key-auth credential works under waf-key-auth as it did
// under key-auth, with no config at all, alone and in the gate; events say which key it was and
// where it is known from.
func TestKongsOwnCredentials(t *testing.T) {
	s := newSystem(t, `
_format_version: "3.0"
consumers:
  - username: ann
    custom_id: ann-7
    tags: [plan:gold]
    keyauth_credentials:
      - {id: 5b6c7d8e-0000-4000-8000-000000000001, key: anns-key, tags: [team:web]}
keyauth_credentials:
  - {id: 5b6c7d8e-0000-4000-8000-000000000002, key: anns-other-key, consumer: ann}
services:
  - name: api
    url: ${upstream}
    routes:
      - name: keyed
        paths: [/keyed]
        plugins:
          - name: waf-key-auth
          - {name: waf-rate-limiting, config: {year: 1, limit_by: credential, error_code: 429}}
      - name: gate
        paths: [/gate]
        plugins:
          - name: waf-gate
            config:
              checks: [key-auth, rate-limiting]
              key_auth:
                tag_headers: {X-Plan: plan, X-Tags: "*"}
                credentials: [{key: own-key, id: own, consumer: ann, methods: [GET]}]
              rate_limiting: {year: 1, limit_by: credential}
      - name: "off"
        paths: [/off]
        plugins:
          - {name: waf-key-auth, config: {kong_credentials: "off"}}
`)
	requireAnswer(t, 401, "No API key found in request", s.get(t, "/keyed"))
	requireAnswer(t, 401, "Unauthorized", s.get(t, "/keyed", "apikey", "wrong"))
	requireAnswer(t, 401, "Unauthorized", s.get(t, "/off", "apikey", "anns-key"))
	s.events.take(t, 3)

	requireAnswer(t, 200, "", s.get(t, "/keyed", "apikey", "anns-key"))
	requireAnswer(t, 429, "", s.get(t, "/keyed", "apikey", "anns-key"))
	requireAnswer(t, 200, "", s.get(t, "/keyed?apikey=anns-other-key", "X-Consumer-Username", "forged"))
	received := s.upstream.Take()
	require.Len(t, received, 2)
	for i, id := range []string{"5b6c7d8e-0000-4000-8000-000000000001", "5b6c7d8e-0000-4000-8000-000000000002"} {
		require.Equal(t, []string{"ann"}, received[i].Headers.Values("X-Consumer-Username"))
		require.Equal(t, []string{"ann-7"}, received[i].Headers.Values("X-Consumer-Custom-ID"))
		require.Equal(t, []string{id}, received[i].Headers.Values("X-Credential-Identifier"))
	}
	s.events.take(t, 1)

	requireAnswer(t, 200, "", s.get(t, "/gate", "apikey", "anns-key", "X-Plan", "platinum", "X_Tags", "admin"))
	received = s.upstream.Take()
	require.Equal(t, []string{"gold"}, received[0].Headers.Values("X-Plan"))
	require.Equal(t, []string{"team:web,plan:gold"}, received[0].Headers.Values("X-Tags"))
	require.Empty(t, received[0].Headers.Values("X_Tags"))
	requireAnswer(t, 429, "", s.get(t, "/gate", "apikey", "anns-key"))
	e := s.events.take(t, 1)[0]
	require.Equal(t, []string{"rate-limiting", "5b6c7d8e-0000-4000-8000-000000000001", "kong"}, []string{e.Check, e.KeyID, e.KeySource})

	requireAnswer(t, http.StatusForbidden, "This API key may not be used for this request", s.send(t, "DELETE", "/gate", "", "apikey", "own-key"))
	e = s.events.take(t, 1)[0]
	require.Equal(t, []string{"key_out_of_scope", "own", "config"}, []string{e.Reason, e.KeyID, e.KeySource})
	require.NotContains(t, s.logs.String(), "anns-key")
}
