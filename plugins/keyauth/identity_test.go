package keyauth

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// sent returns the facts of a request whose headers the variable holds, as the client sent
// them. Kong itself has those of kongs.
func sent(t *testing.T, lines string, kongs map[string][]string) (*facts.Facts, *kongtest.Kong) {
	t.Helper()
	kong := &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch c.Method {
		case "kong.nginx.get_var":
			return raw.String("77aa 198.51.100.7 127.0.0.1 GET / HTTP/1.1\r\n" + lines + "\r\n")
		case "kong.request.get_headers":
			return raw.Headers(kongs)
		}
		return nil
	}}
	f, err := facts.Read(raw.PDK(kong.PDK()), facts.Need{Kinds: facts.Headers | facts.RequestLine}, &facts.Packed{}, 0)
	require.NoError(t, err)
	return f, kong
}

func TestIdentifyClearsWhatDoesNotApply(t *testing.T) {
	f, _ := sent(t, "X-Consumer-ID: forged\r\nX_Consumer_ID: forged\r\nx_CONSUMER-id: forged\r\nX-Other_ID: 1\r\n", nil)
	h, err := newHeaders(nil)
	require.NoError(t, err)
	edits := h.identify(f, &detect.Identity{Consumer: detect.Consumer{ID: "1", Username: "ann"}, Credential: "c"}, nil)
	require.Equal(t, []detect.Header{{Name: headerConsumerID, Value: "1"}, {Name: headerConsumerUsername, Value: "ann"}, {Name: headerCredential, Value: "c"}}, edits.Set)
	require.Equal(t, []string{headerConsumerCustomID, headerAnonymous, "X_Consumer_ID", "x_CONSUMER-id"}, edits.Clear)
}

// TestTagHeaders: tags become headers as the config says, and what the client sends under their
// names, however they are spelled, does not reach the upstream.
func TestTagHeaders(t *testing.T) {
	h, err := newHeaders(map[string]string{"X-Plan": "plan", "X-Tags": "*", "X-Team": "team"})
	require.NoError(t, err)
	f, _ := sent(t, "X_Plan: platinum\r\nX-Team: admins\r\nx-tags: all\r\n", nil)
	edits := h.identify(f, &detect.Identity{Consumer: detect.Consumer{ID: "1", Tags: []string{"plan=silver", "eu"}}, Credential: "c"}, []string{"plan:gold", "planet", "plan:"})
	require.Equal(t, []detect.Header{
		{Name: headerConsumerID, Value: "1"}, {Name: headerCredential, Value: "c"},
		{Name: "X-Plan", Value: "gold,silver"}, {Name: "X-Tags", Value: "plan:gold,planet,plan:,plan=silver,eu"},
	}, edits.Set)
	require.Equal(t, []string{headerConsumerCustomID, headerConsumerUsername, headerAnonymous, "X-Team", "X_Plan"}, edits.Clear)
	for name, want := range map[string]string{"x-consumer-id": "says who called", "host": "HTTP itself"} {
		_, err := newHeaders(map[string]string{name: "*"})
		require.ErrorContains(t, err, want)
	}
	_, err = newHeaders(map[string]string{"X-Plan": "a", "x-plan": "b"})
	require.ErrorContains(t, err, "stands there twice")
}

func TestImitates(t *testing.T) {
	h, err := newHeaders(nil)
	require.NoError(t, err)
	for name, want := range map[string]bool{
		"X_Consumer_ID": true, "x_consumer-id": true, "X.Consumer.ID": true, "X_CREDENTIAL_IDENTIFIER": true,
		"X-Anonymous_Consumer": true, "X_Consumer-Custom_ID": true, "x-consumer_username": true,
		"X-Consumer-ID": false, "x-consumer-id": false, "X-Consumer": false, "XXConsumerXID": false, "X_Consumer_IDs": false, "": false,
	} {
		require.Equal(t, want, h.imitates(name), name)
	}
	for _, name := range h.spellings {
		require.True(t, h.imitates(name), name)
	}
	require.Len(t, h.spellings, 3+7+3+3+3, "a dash or an underscore in every place")
}

// TestForgedUnknown: where not all headers are known, every spelling goes.
func TestForgedUnknown(t *testing.T) {
	h, err := newHeaders(nil)
	require.NoError(t, err)
	kong := &kongtest.Kong{}
	f, err := facts.Read(raw.PDK(kong.PDK()), facts.Need{Kinds: facts.RequestLine}, &facts.Packed{}, 0)
	require.NoError(t, err)
	require.Equal(t, h.spellings, h.forged(f, nil))
	f, _ = sent(t, "A: 1\nB: 2\r\n", many(1000))
	require.Equal(t, h.spellings, h.forged(f, nil), "of a thousand headers some may be hidden")
	f, _ = sent(t, "A: 1\nX_Consumer_ID: 2\r\n", many(999))
	require.Equal(t, []string{"X_Consumer_ID"}, h.forged(f, nil), "seen in the head")
}

func many(n int) map[string][]string {
	headers := map[string][]string{}
	for i := range n {
		headers["x"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))] = []string{"1"}
	}
	return headers
}
