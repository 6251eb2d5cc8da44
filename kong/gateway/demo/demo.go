// Package demo is the small API behind the stand-in gateway in `make run` and in the
// end-to-end tests. It trusts everything it is sent and shows it to the sender: never put
// it on a public address.
//
//	GET  /users            three users; GET /users/2 one of them
//	GET or POST /graphql  the answer to { __typename }, whatever was asked
//	POST (gRPC) any path   a unary call: the first message comes back as it was
//	anything else          what was received, as JSON (type Echo)
package demo

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is how much of a body is shown, in bytes.
const maxBody = 16 << 20

// Echo is what the API says it received. Body holds bytes as they came; one that is not
// UTF-8 is in BodyBase64 only.
type Echo struct {
	Method     string      `json:"method"`
	Target     string      `json:"target"`
	Proto      string      `json:"proto"`
	Headers    http.Header `json:"headers"`
	Body       string      `json:"body"`
	BodyBase64 []byte      `json:"body_base64,omitempty"`
}

// User is one of the demo's users.
type User struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

var users = []User{{1, "Ada Lovelace"}, {2, "Grace Hopper"}, {3, "Seán O'Brien"}}

// Handler returns the demo API.
func Handler() http.Handler { return http.HandlerFunc(serve) }

// Server returns a server of the demo API for HTTP/1.1 and, as gRPC needs it, for HTTP/2
// without TLS.
func Server() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{Handler: Handler(), Protocols: protocols}
}

func serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
		unary(w, r)
	case path == "/graphql" && (r.Method == http.MethodGet || r.Method == http.MethodPost):
		// Clients find out by this question whether there is GraphQL at all.
		reply(w, http.StatusOK, map[string]any{"data": map[string]string{"__typename": "Query"}})
	case path == "/users" && r.Method == http.MethodGet:
		reply(w, http.StatusOK, users)
	case strings.HasPrefix(path, "/users/") && r.Method == http.MethodGet:
		id, err := strconv.Atoi(path[len("/users/"):])
		if err != nil || id < 1 || id > len(users) {
			reply(w, http.StatusNotFound, map[string]string{"message": "no such user"})
			return
		}
		reply(w, http.StatusOK, users[id-1])
	default:
		echo(w, r)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("body too long")
	}
	if err != nil {
		reply(w, http.StatusRequestEntityTooLarge, map[string]string{"message": err.Error()})
		return
	}
	headers := r.Header.Clone()
	headers.Set("Host", r.Host)
	e := Echo{Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Headers: headers, Body: string(body)}
	if e.Body != strings.ToValidUTF8(e.Body, "") {
		e.Body, e.BodyBase64 = "", body
	}
	reply(w, http.StatusOK, e)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	data = append(data, '\n')
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	w.Write(data)
}

// unary answers a gRPC call with its own first message. It knows the framing (a flag byte,
// four bytes of length, the message) and nothing of the messages.
func unary(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	var head [5]byte
	if _, err := io.ReadFull(r.Body, head[:]); err != nil {
		w.Header().Set("Grpc-Status", "3")
		w.Header().Set("Grpc-Message", "no message")
		return
	}
	size := binary.BigEndian.Uint32(head[1:])
	message, err := io.ReadAll(io.LimitReader(r.Body, int64(min(size, maxBody))))
	if err != nil || uint32(len(message)) != size {
		w.Header().Set("Grpc-Status", "3")
		w.Header().Set("Grpc-Message", "message cut short")
		return
	}
	w.Write(append(head[:], message...))
	w.Header().Set("Grpc-Status", "0")
	w.Header().Set("Grpc-Message", "")
}
