package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAnswersExample serves the example of answers: each client gets its own form, with the
// id that Kong shows.
func TestAnswersExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(examples, "deck", "waf-detect-answers.yml"))
	require.NoError(t, err)
	s := newSystem(t, strings.ReplaceAll(string(text), "http://127.0.0.1:9080", "${upstream}"))
	const attack = "/portal?q=%27%20OR%201=1%20--%20"
	for _, tc := range []struct {
		name, contentType, holds string
		headers                  []string
	}{
		{name: "a browser", headers: []string{"Accept", "text/html,*/*;q=0.8"}, contentType: "text/html; charset=utf-8", holds: "<h1>This request was not accepted</h1>"},
		{name: "an API client", contentType: "application/problem+json", holds: `"detail":"This request was not accepted"`},
		{name: "SOAP", headers: []string{"Content-Type", "text/xml", "SOAPAction", "x"}, contentType: "text/xml; charset=utf-8", holds: "<faultstring>This request was not accepted</faultstring>"},
		{name: "S3", headers: []string{"Authorization", "AWS4-HMAC-SHA256 Credential=AK/20270101/eu/s3/aws4_request, SignedHeaders=host, Signature=0"}, contentType: "application/xml; charset=utf-8", holds: "<Code>AccessDenied</Code>"},
		{name: "XML", headers: []string{"Accept", "text/xml"}, contentType: "application/xml; charset=utf-8", holds: "<message>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer := s.get(t, attack, tc.headers...)
			require.Equal(t, 403, answer.Status)
			require.Equal(t, tc.contentType, answer.Headers.Get("Content-Type"))
			require.Contains(t, answer.Body, tc.holds)
			id := answer.Headers.Get("X-Kong-Request-Id")
			require.NotEmpty(t, id)
			require.Contains(t, answer.Body, id)
		})
	}
}
