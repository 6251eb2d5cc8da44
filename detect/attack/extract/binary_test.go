package extract

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
)

// message builds a protobuf message of length-delimited fields 1, 2, 3, ...
func message(fields ...string) string {
	var b []byte
	for i, f := range fields {
		b = append(b, byte(i+1)<<3|2)
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return string(b)
}

// frame puts a message into a gRPC frame.
func frame(flag byte, message string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message)))) + message
}

func TestGRPC(t *testing.T) {
	m := message("Alice", message("1'--", "\xff\xfe\xfd\xfc\x00"), "bob")
	run(t, []shape{
		{
			name: "texts under their field numbers",
			req:  post("application/grpc", frame(0, m)),
			want: []string{"body.grpc.1=Alice", "body.grpc.2.1=1'--", "body.grpc.3=bob"},
		},
		{
			name: "several messages",
			req:  post("application/grpc+proto", frame(0, message("a"))+frame(0, m)),
			want: []string{"body.grpc.1=a", "body.grpc.2.1=1'--"},
		},
		{
			name: "a compressed message",
			req:  post("application/grpc", frame(1, gzipped(m)), "grpc-encoding: gzip"),
			want: []string{"body.grpc.2.1=1'-- {gzip}"},
		},
		{
			name: "compressed as declared",
			req:  post("application/grpc", frame(1, brotlied(m)), "grpc-encoding: br"),
			want: []string{"body.grpc.2.1=1'-- {br}"},
		},
		{
			name: "gRPC-web with trailers",
			req:  post("application/grpc-web+proto", frame(0, m)+frame(0x80, "x: 1'--")),
			want: []string{"body.grpc.2.1=1'--", "body.grpc.trailers=x: 1'--"},
		},
		{
			name: "gRPC-web as text",
			req:  post("application/grpc-web-text", base64.StdEncoding.EncodeToString([]byte(frame(0, m)))),
			want: []string{"body.grpc.2.1=1'-- {base64}"},
		},
		{
			name: "gRPC with JSON",
			req:  post("application/grpc+json", frame(0, `{"a":"1'--"}`)),
			want: []string{"body.grpc.a=1'--"},
		},
		{
			name: "undeclared",
			req:  post("application/octet-stream", frame(0, m)),
			want: []string{"body.grpc.2.1=1'--"},
		},
		{
			name: "a length that lies",
			req:  post("application/grpc", "\x00\x00\x00\xff\xff"+m),
			want: []string{"body.grpc.2.1=1'--"},
		},
		{
			name: "bare protobuf",
			req:  post("application/x-protobuf", m),
			want: []string{"body.protobuf.1=Alice", "body.protobuf.2.1=1'--"},
		},
		{
			name: "bare protobuf, undeclared",
			req:  post("", m),
			want: []string{"body.protobuf.2.1=1'--"},
		},
		{
			name: "a message that looks like text is read both ways",
			req:  post("application/grpc", frame(0, message("", message("a long enough text, 1'--")))),
			want: []string{"body.grpc.2.1=a long enough text, 1'--"},
		},
		{
			name: "not protobuf at all: runs of text",
			req:  post("application/grpc", frame(0, "\x00\x01\x02\x03\x04\x05\x06\x07 union select 1 from users\x00\x00\x00\x00")),
			want: []string{"body.grpc= union select 1 from users"},
		},
		{
			name: "octets: the printable runs, not the noise",
			req:  post("application/octet-stream", strings.Repeat("\x00\x01\x02\x90ab", 100)+"; cat /etc/passwd"+strings.Repeat("\x00\x01\xff", 30)),
			want: []string{"body=ab; cat /etc/passwd"},
			not:  []string{"body=ab"},
		},
		{
			name: "one NUL does not make text binary",
			req:  post("application/octet-stream", "1'\x00 or 1"),
			want: []string{"body=1'\x00 or 1"},
		},
		{
			name: "one invalid byte neither",
			req:  post("text/plain", "1'\xff or 1"),
			want: []string{"body=1'\xff or 1"},
		},
	})
}

func TestItems(t *testing.T) {
	run(t, []shape{
		{
			name: "MessagePack",
			req:  post("application/msgpack", "\x82\xa4name\xa51' or\xa1l\x93\x01\xc3\xd9\x01x"),
			want: []string{"body.msgpack#name", "body.msgpack.name=1' or", "body.msgpack.l[2]=x"},
		},
		{
			name: "MessagePack in MessagePack maps, 16 and 32 bit lengths",
			req:  post("application/x-msgpack", "\xde\x00\x01\xda\x00\x01a\xdf\x00\x00\x00\x01\xa1b\xdb\x00\x00\x00\x041'--"),
			want: []string{"body.msgpack.a.b=1'--"},
		},
		{
			name: "MessagePack, undeclared",
			req:  post("application/octet-stream", "\x82\xa1i\x01\xa1n\xa41'--"),
			want: []string{"body.msgpack.n=1'--"},
		},
		{
			name: "MessagePack, cut off",
			req:  post("application/msgpack", "\x82\xa4name\xa41'--\xa1"),
			want: []string{"body.msgpack.name=1'--"},
		},
		{
			name: "values behind an empty container",
			req:  post("application/msgpack", "\x83\xa1a\x80\xa1b\x90\xa1c\xa41'--"),
			want: []string{"body.msgpack.c=1'--"},
		},
		{
			name: "CBOR",
			req:  post("application/cbor", "\xa2\x64name\x641'--\x61l\x82\x01\x61x"),
			want: []string{"body.cbor#name", "body.cbor.name=1'--", "body.cbor.l[1]=x"},
		},
		{
			name: "CBOR of unknown length, a tag, chunks",
			req:  post("application/cbor", "\xbf\x61a\xc0\x641'--\x61b\x7f\x62xy\x61z\xff\x61c\x61d\xff"),
			want: []string{"body.cbor.a=1'--", "body.cbor.b[0]=xy", "body.cbor.c=d"},
		},
		{
			name: "YAML",
			req:  post("application/yaml", "user:\n  - name: \"1'--\"\n    x: y\n- z"),
			want: []string{"body.yaml#name", "body.yaml.name=1'--", "body.yaml.x=y", "body.yaml=z"},
		},
		{
			name: "yaml with binary data",
			req:  post("application/yaml", "a: !!binary MSctLQ==\nb: !!binary |\n  MS\n  ctLQ==\nc:\n  d: !!binary \"eA==\"\n  e: f"),
			want: []string{"body.yaml.a=1'-- {base64}", "body.yaml.b=1'-- {base64}", "body.yaml.d=x {base64}", "body.yaml.e=f"},
		},
		{
			name: "a token as a body",
			req:  post("", "eyJhbGciOiJub25lIn0.eyJzdWIiOiInIG9yIDE9MSJ9."),
			want: []string{"body.jwt.payload.sub=' or 1=1 {jwt}"},
		},
	})
}
