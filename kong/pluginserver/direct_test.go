package pluginserver

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/wire"
	"kongwaf/kong/wire/kongpeer"
)

// directToy is a toy that makes its calls itself.
type directToy struct {
	toy
	direct func(kong Kong)
}

func (d *directToy) Handle(string, *pdk.PDK)            { panic("go-pdk is in between") }
func (d *directToy) HandleDirect(_ string, kong Kong)   { d.direct(kong) }
func (d *directToy) Groups(string) (none [][]wire.Call) { return none }

func directPlugin(d *directToy) Plugin {
	p := toyPlugin("toy", &d.toy)
	p.New = func([]byte) (Instance, error) { return d, nil }
	return p
}

// TestDirectCalls: each kind of call is answered as go-pdk's calls are, and Kong sees the
// same frames.
func TestDirectCalls(t *testing.T) {
	ahead := wire.Call{Method: "kong.client.get_forwarded_ip"}
	replies := make(chan string, 8)
	ask := func(kong Kong, method, args string) {
		reply, err := kong.Ask(method, []byte(args))
		if err != nil {
			reply = err.Error()
		}
		replies <- reply
	}
	r := newRig(t, Options{Plugins: []Plugin{directPlugin(&directToy{
		toy: toy{prefetch: []wire.Call{ahead}},
		direct: func(kong Kong) {
			ask(kong, ahead.Method, "")                     // read ahead
			ask(kong, "kong.response.set_headers", "h")     // written behind
			ask(kong, "kong.request.get_path", "")          // a trip
			ask(kong, "kong.response.exit", "\x08\x93\x03") // never answered
			ask(kong, "kong.request.get_path", "")          // too late
		},
	})}})
	r.Answer = func(method string, _ []byte) []byte { return []byte("reply to " + method) }
	result := r.access(t)
	require.Equal(t, []string{"kong.client.get_forwarded_ip", "kong.response.set_headers", "kong.request.get_path", "kong.response.exit"}, methods(result.Calls))
	require.EqualValues(t, 403, result.Exit.Status)
	for _, want := range []string{"reply to kong.client.get_forwarded_ip", "", "reply to kong.request.get_path", io.EOF.Error(), io.EOF.Error()} {
		require.Equal(t, want, <-replies)
	}
}

// TestHungDirectHandlerReachesNobodyElsesRequest: behind its deadline its calls lead
// nowhere, and what it was told before stays as it was.
func TestHungDirectHandlerReachesNobodyElsesRequest(t *testing.T) {
	clock := newManualClock()
	ahead := wire.Call{Method: "kong.request.get_path"}
	hang, first := make(chan struct{}), make(chan string, 1)
	late := make(chan error, 1)
	hung := false
	d := &directToy{toy: toy{prefetch: []wire.Call{ahead}, policy: PolicyAllow, timeout: time.Second}}
	d.direct = func(kong Kong) {
		reply, _ := kong.Ask(ahead.Method, nil)
		if hung {
			return
		}
		hung = true
		first <- reply
		<-hang
		_, err := kong.Ask("kong.request.get_path", nil)
		late <- err
		first <- reply
	}
	r := newRig(t, Options{Plugins: []Plugin{directPlugin(d)}, Clock: clock})
	answer := "/one"
	r.Answer = func(string, []byte) []byte { return []byte(answer) }
	done := make(chan kongpeer.Result, 1)
	go func() {
		result, _ := r.Event("toy", []byte(`{}`), "access")
		done <- result
	}()
	require.Equal(t, "/one", <-first)
	clock.advance(2 * time.Second)
	require.Nil(t, (<-done).Exit, "the policy lets the request pass")
	answer = "/two"
	r.access(t)
	close(hang)
	require.ErrorIs(t, <-late, net.ErrClosed)
	require.Equal(t, "/one", <-first)
}

// TestOwedAnswers: the empty answers to what was written behind come between two events of
// a kept connection. Anything else in their place ends it.
func TestOwedAnswers(t *testing.T) {
	d := &directToy{direct: func(kong Kong) {
		for range 3 {
			kong.Ask("kong.response.set_headers", []byte("h"))
		}
	}}
	srv, err := New(Options{Plugins: []Plugin{directPlugin(d)}})
	require.NoError(t, err)
	id := srv.Start("toy", []byte(`{}`))
	event := wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Sequence: 1, Command: wire.CmdHandleEvent, InstanceID: id, Event: []byte("access")}))
	for _, tc := range []struct {
		name    string
		answers []string // written one by one, before the next event
		bad     uint64
	}{
		{name: "one by one", answers: []string{"\x00\x00\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x00"}},
		{name: "at once", answers: []string{string(make([]byte, 12))}},
		{name: "not empty", answers: []string{"\x00\x00\x00\x00", "\x01\x00\x00\x00x"}, bad: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := srv.Stats().BadFrames
			kong, ours := unixPair(t)
			ended := make(chan End, 1)
			go func() {
				end, _ := srv.ServeKept(ours, nobody{})
				ended <- end
			}()
			buf := make([]byte, 4096)
			for range 3 {
				_, err := kong.Write(event)
				require.NoError(t, err)
				for method := "first"; method != ""; { // the calls, up to the empty frame
					frame, err := wire.ReadFrame(kong, nil, 1<<20)
					if tc.bad > 0 && err != nil {
						break
					}
					require.NoError(t, err)
					if method = string(frame); method != "" {
						_, err = wire.ReadFrame(kong, nil, 1<<20)
						require.NoError(t, err)
					}
				}
				if _, err := wire.ReadFrame(kong, nil, 1<<20); tc.bad == 0 {
					require.NoError(t, err)
				}
				for _, answer := range tc.answers {
					kong.Write([]byte(answer))
				}
				if tc.bad > 0 {
					break
				}
			}
			if tc.bad > 0 {
				kong.Read(buf) // the frames that end whatever Kong waits for
			}
			kong.Close()
			require.Equal(t, EndClosed, <-ended)
			require.Equal(t, tc.bad, srv.Stats().BadFrames-before)
		})
	}
}

// unixPair returns both ends of a connection.
func unixPair(t *testing.T) (kong, ours *net.UnixConn) {
	t.Helper()
	path := t.TempDir() + "/s"
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	defer listener.Close()
	kong, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	ours, err = listener.AcceptUnix()
	require.NoError(t, err)
	return kong, ours
}

// nobody keeps a connection and does not care.
type nobody struct{}

func (nobody) Mark(State)       {}
func (nobody) Watches() bool    { return false }
func (nobody) Begin(uint64) Way { return WayHere }
func (nobody) Handled()         {}
