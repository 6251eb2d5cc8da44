package respond

import (
	"strings"
	"testing"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// refusal returns what Kong is told to answer.
func refusal(t *testing.T, v detect.Verdict, client facts.Client) (*kong_plugin_protocol.ExitArgs, map[string]any) {
	t.Helper()
	kong := &kongtest.Kong{}
	Refuse(raw.PDK(kong.PDK()), &v, client, nil)
	args, ok := kong.Args("kong.response.exit")
	require.True(t, ok)
	require.True(t, kong.Closed)
	exit := &kong_plugin_protocol.ExitArgs{}
	require.NoError(t, proto.Unmarshal(args, exit))
	return exit, exit.Headers.AsMap()
}

func TestRefuseGRPC(t *testing.T) {
	v := detect.Verdict{Denied: true, Status: 401, Message: "No API key found in request"}
	v.Response.Set = []detect.Header{{Name: "WWW-Authenticate", Value: "Key"}}

	exit, headers := refusal(t, v, facts.Client{Proto: "HTTP/2.0", ContentType: "application/grpc+proto", RequestID: "7"})
	require.EqualValues(t, 200, exit.Status)
	require.Empty(t, exit.Body)
	require.Equal(t, []any{"application/grpc"}, headers["Content-Type"])
	require.Equal(t, []any{"16"}, headers["grpc-status"])
	require.Equal(t, []any{"No API key found in request"}, headers["grpc-message"])

	// gRPC exists only over HTTP/2: the same header over HTTP/1.1 gets an ordinary answer.
	exit, headers = refusal(t, v, facts.Client{Proto: "HTTP/1.1", ContentType: "application/grpc", RequestID: "7"})
	require.EqualValues(t, 401, exit.Status)
	require.Equal(t, []any{typeJSON}, headers["Content-Type"])
	require.Equal(t, []any{"Key"}, headers["WWW-Authenticate"])
	require.Equal(t, "{\n  \"message\":\"No API key found in request\",\n  \"request_id\":\"7\"\n}", string(exit.Body))
}

func TestGRPCMessageIsPercentEncoded(t *testing.T) {
	require.Equal(t, "50%25 of it%0A%C3%A9", grpcMessage("50% of it\né"))
}

// TestErrorBodyEscapes: a message may name what the client sent.
func TestErrorBodyEscapes(t *testing.T) {
	message := `not allowed: <script>"&`
	for _, tc := range []struct{ accept, contentType, want string }{
		{accept: "text/html", contentType: typeHTML, want: "<p>not allowed: &lt;script&gt;&#34;&amp;.</p>"},
		{accept: "application/xml", contentType: typeXML, want: "<message>not allowed: &lt;script&gt;&#34;&amp;</message>"},
		{accept: "text/plain", contentType: typePlain, want: message + "\nrequest_id: 7\n"},
		{accept: "", contentType: typeJSON, want: `"message":"not allowed: <script>\"&"`},
	} {
		body, contentType := errorBody(preferred(tc.accept, errorType), message, "7")
		require.Equal(t, tc.contentType, contentType)
		require.Contains(t, string(body), tc.want)
	}
}

func TestPreferred(t *testing.T) {
	for _, tc := range []struct{ name, accept, want string }{
		{name: "a browser", accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", want: typeHTML},
		{name: "quality decides", accept: "text/html;q=0.5, text/plain;q=0.9", want: typePlain},
		{name: "the first of equals", accept: "application/xml, text/html", want: typeXML},
		{name: "case does not matter", accept: "TEXT/HTML", want: typeHTML},
		{name: "parameters do not matter", accept: "text/html;level=1", want: typeHTML},
		{name: "quality 0 is not wanted", accept: "text/html;q=0", want: typeJSON},
		{name: "what Kong has no body for", accept: "image/png", want: typeJSON},
		{name: "endless", accept: strings.Repeat("a,", 100000) + "text/html", want: typeJSON},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, preferred(tc.accept, errorType)) })
	}
}

func TestAllowIsOneCallEach(t *testing.T) {
	query, body := "a=\xff", []byte("x")
	effects := detect.Effects{
		Identity:     &detect.Identity{Consumer: detect.Consumer{ID: "1", Username: "ann", Tags: []string{"gold"}}, Credential: "2"},
		Query:        &query,
		UpstreamBody: body,
	}
	effects.Upstream.Set = []detect.Header{{Name: "X-A", Value: "1"}, {Name: "x-a", Value: "2"}, {Name: "X-B", Value: "\xff"}}
	effects.Upstream.Clear = []string{"X-C"}
	effects.Response.Set = []detect.Header{{Name: "RateLimit-Limit", Value: "5"}}
	kong := &kongtest.Kong{}
	require.NoError(t, Allow(raw.PDK(kong.PDK()), &effects))
	require.Len(t, kong.Calls, 5)

	args, _ := kong.Args("kong.client.authenticate")
	var auth kong_plugin_protocol.AuthenticateArgs
	require.NoError(t, proto.Unmarshal(args, &auth))
	require.Equal(t, "ann", auth.Consumer.Username)
	require.Equal(t, []string{"gold"}, auth.Consumer.Tags)
	require.Equal(t, "2", auth.Credential.Id)
	require.Equal(t, "1", auth.Credential.ConsumerId)

	args, _ = kong.Args("kong.service.request.set_headers")
	args = []byte(strings.ReplaceAll(string(args), "\xff", "?"))
	var headers structpb.Struct
	require.NoError(t, proto.Unmarshal(args, &headers))
	require.Equal(t, map[string]any{"X-A": []any{"1", "2"}, "X-B": []any{"?"}, "X-C": []any{}}, headers.AsMap(),
		"equal names together, cleared ones as an empty list")

	args, _ = kong.Args("kong.service.request.set_raw_query")
	require.Equal(t, "\n\x03a=\xff", string(args), "bytes stay as they were")
}

func TestAllowOfNothingCallsNothing(t *testing.T) {
	kong := &kongtest.Kong{}
	require.NoError(t, Allow(raw.PDK(kong.PDK()), &detect.Effects{}))
	require.Empty(t, kong.Calls)
}
