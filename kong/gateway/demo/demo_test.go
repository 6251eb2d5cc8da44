package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, method, target, body string
		status                     int
		want                       string // is in the answer
	}{
		{name: "list of users", method: "GET", target: "/users", status: 200, want: "Grace Hopper"},
		{name: "one user", method: "GET", target: "/users/1", status: 200, want: "Ada Lovelace"},
		{name: "no such user", method: "GET", target: "/users/9", status: 404, want: "no such user"},
		{name: "other methods on users are echoed", method: "POST", target: "/users", body: "x=1", status: 200, want: `"body": "x=1"`},
		{name: "GraphQL by GET", method: "GET", target: "/graphql?query={__typename}", status: 200, want: `"__typename": "Query"`},
		{name: "GraphQL by POST", method: "POST", target: "/graphql", body: `{"query":"{__typename}"}`, status: 200, want: `"__typename": "Query"`},
		{name: "target comes back undecoded", method: "GET", target: "/a%20b?q=%ff", status: 200, want: `"target": "/a%20b?q=%ff"`},
		{name: "a body of any bytes", method: "PUT", target: "/", body: "\xff\x00", status: 200, want: `"body_base64": "/wA="`},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			r := httptest.NewRequest(row.method, "http://api.test"+row.target, strings.NewReader(row.body))
			r.RequestURI = row.target
			Handler().ServeHTTP(rec, r)
			require.Equal(t, row.status, rec.Code)
			require.Contains(t, rec.Body.String(), row.want)
			require.True(t, json.Valid(rec.Body.Bytes()))
		})
	}
}

func TestUnary(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, body, want, status string }{
		{name: "message comes back", body: "\x00\x00\x00\x00\x02hi", want: "\x00\x00\x00\x00\x02hi", status: "0"},
		{name: "message cut short", body: "\x00\x00\x00\x00\x09hi", status: "3"},
		{name: "no message", body: "", status: "3"},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "/pkg.Svc/Call", strings.NewReader(row.body))
			r.Header.Set("Content-Type", "application/grpc")
			Handler().ServeHTTP(rec, r)
			res := rec.Result()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, row.want, string(body))
			status := res.Trailer.Get("Grpc-Status")
			if status == "" {
				status = res.Header.Get("Grpc-Status")
			}
			require.Equal(t, row.status, status)
			require.Equal(t, http.StatusOK, res.StatusCode)
		})
	}
}
