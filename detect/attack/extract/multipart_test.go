package extract

import (
	"bytes"
	"io"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
)

// lines joins lines by CRLF.
func lines(all ...string) string { return strings.Join(all, "\r\n") }

func TestMultipart(t *testing.T) {
	field := lines("--b", `Content-Disposition: form-data; name="id"`, "", "1'--", "--b--", "")
	run(t, []shape{
		{
			name: "fields",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="a"`, "",
				"Alice", "--b", `Content-Disposition: form-data; name="id"`, "", "1'--", "--b--", "")),
			want: []string{"body.multipart#a", "body.multipart.a=Alice", "body.multipart#id", "body.multipart.id=1'--"},
		},
		{
			name: "a file: names, type, content",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="f"; filename="x.php"; filename*=UTF-8''y%2ephp`,
				"Content-Type: image/png", "", "<?php x();", "--b--", "")),
			want: []string{"body.multipart#x.php", "body.multipart#y%2ephp", "body.multipart.Content-Type=image/png", "body.multipart.f=<?php x();"},
		},
		{
			name: "a file in which code hides behind binary data",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="f"; filename="x.gif"`, "",
				"GIF89a\x00\x01\x02\x03\x04\x05\x06<?php system($_GET[0]);?>\x00\x00", "--b--", "")),
			want: []string{"body.multipart.f=<?php system($_GET[0]);?>"},
		},
		{
			name: "a form that names its charset",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="id"`, "", "+ADE-'--",
				"--b", `Content-Disposition: form-data; name="_charset_"`, "", "utf-7", "--b--", "")),
			want: []string{"body.multipart.id=1'-- {utf-7}", "body.multipart.id=+ADE-'--", "body.multipart._charset_=utf-7"},
		},
		{
			name: "harmless twin: a form in the usual charset",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="id"`, "", "+ADE-",
				"--b", `Content-Disposition: form-data; name="_charset_"`, "", "UTF-8", "--b--", "")),
			want: []string{"body.multipart.id=+ADE-"}, not: []string{"body.multipart.id=1 {utf-7}"},
		},
		{name: "a quoted boundary", req: post(`multipart/form-data; boundary="b"`, field), want: []string{"body.multipart.id=1'--"}},
		{name: "no boundary declared", req: post("multipart/form-data", field), want: []string{"body.multipart.id=1'--"}},
		{name: "another boundary declared", req: post("multipart/form-data; boundary=c", field), want: []string{"body.multipart.id=1'--"}},
		{name: "two boundaries declared", req: post("multipart/form-data; boundary=c; boundary=b", field), want: []string{"body.multipart.id=1'--"}},
		{name: "undeclared", req: post("", field), want: []string{"body.multipart.id=1'--"}},
		{name: "declared as a form", req: post(formType, field), want: []string{"body.multipart.id=1'--"}},
		{
			name: "no final boundary",
			req:  post("multipart/form-data; boundary=b", strings.TrimSuffix(field, "--b--\r\n")),
			want: []string{"body.multipart.id=1'--"},
		},
		{
			name: "LF only",
			req:  post("multipart/form-data; boundary=b", strings.ReplaceAll(field, "\r\n", "\n")),
			want: []string{"body.multipart.id=1'--"},
		},
		{
			name: "text before the first and behind the last delimiter",
			req:  post("multipart/form-data; boundary=b", "before'--\r\n"+field+"after'--"),
			want: []string{"body.multipart.outside=before'--", "body.multipart.outside=after'--", "body.multipart.id=1'--"},
		},
		{
			name: "parts behind the final delimiter",
			req:  post("multipart/form-data; boundary=b", lines("--b", "", "x", "--b--", field)),
			want: []string{"body.multipart.id=1'--"},
		},
		{
			name: "base64",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="id"`,
				"Content-Transfer-Encoding: base64", "", "MSct\r\nLQ==", "--b--", "")),
			want: []string{"body.multipart.id=1'-- {base64}"},
		},
		{
			name: "quoted-printable",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="id"`,
				"Content-Transfer-Encoding: quoted-printable", "", "1=27=", "--", "--b--", "")),
			want: []string{"body.multipart.id=1'-- {quoted-printable}"},
		},
		{
			name: "a part's charset",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="id"`,
				"Content-Type: text/plain; charset=ibm037", "", "\xf1\x7d\x60\x60", "--b--", "")),
			want: []string{"body.multipart.id=1'-- {ibm037}"},
		},
		{
			name: "UTF-7 in a part",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="id"`,
				"Content-Type: text/plain; charset=utf-7", "", "1+ACc---", "--b--", "")),
			want: []string{"body.multipart.id=1'-- {utf-7}"},
		},
		{
			name: "multipart in multipart",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="fs"`,
				"Content-Type: multipart/mixed; boundary=bb", "", "--bb", `Content-Disposition: file; filename="x.php"`, "", "1'--", "--bb--", "--b--", "")),
			want: []string{"body.multipart.fs.multipart#x.php", "body.multipart.fs.multipart=1'--"},
		},
		{
			name: "headers twice: both names",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="a"; name="c'--"`,
				`Content-Disposition: form-data; name="d"`, "", "x", "--b--", "")),
			want: []string{"body.multipart#a", "body.multipart#c'--", "body.multipart#d", "body.multipart.a=x"},
		},
		{
			name: "a folded header and an escaped quote",
			req: post("multipart/form-data; boundary=b", lines("--b", "Content-Disposition: form-data;", ` name="a"; filename="x\".php"`,
				"", "x", "--b--", "")),
			want: []string{`body.multipart#x".php`, "body.multipart.a=x"},
		},
		{
			name: "a longer line that begins like the boundary is content",
			req:  post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="a"`, "", "x", "--bc", "y", "--b--", "")),
			want: []string{"body.multipart.a=x\r\n--bc\r\ny"},
		},
		{
			name: "a gzipped file",
			req: post("multipart/form-data; boundary=b", lines("--b", `Content-Disposition: form-data; name="f"; filename="x.gz"`, "",
				gzipped("1'-- hidden"), "--b--", "")),
			want: []string{"body.multipart.f=1'-- hidden {gzip}"},
		},
	})
}

// FuzzMultipart holds the reader to mime/multipart on bodies that the latter takes.
func FuzzMultipart(f *testing.F) {
	f.Add("a", "b", "x.txt", "content\r\n", "c")
	f.Add("a", "--b", "", "--", "\n--c")
	f.Fuzz(func(t *testing.T, field, value, file, content, boundary string) {
		var buf bytes.Buffer
		mw := multipart.NewWriter(&buf)
		if mw.SetBoundary(boundary) != nil || strings.ContainsAny(boundary, ` "'`) || strings.HasPrefix(boundary, "-") || strings.HasSuffix(boundary, "-") {
			return
		}
		if strings.ContainsAny(field+file, "\"\\\r\n%") || strings.TrimSpace(field) != field || strings.TrimSpace(file) != file ||
			strings.Contains(value+content, boundary) {
			return
		}
		mw.WriteField(field, value)
		part, _ := mw.CreateFormFile(field, file)
		io.WriteString(part, content)
		mw.Close()
		mr := multipart.NewReader(bytes.NewReader(buf.Bytes()), boundary)
		var want []string
		for {
			p, err := mr.NextRawPart()
			if err != nil {
				break
			}
			b, err := io.ReadAll(p)
			if err != nil {
				return
			}
			want = append(want, string(b))
		}
		var got []string
		var w Walker
		w.Walk(post("multipart/form-data; boundary="+boundary, buf.String()), Limits{}, func(l *Leaf) bool {
			got = append(got, l.Text)
			return true
		})
		for _, text := range append(want, field, file) {
			if text == "" || !looksText(text) || sniffCoding(text) != codingNone || sniffCharset(text) != charsetNone || strings.HasPrefix(text, "\xef\xbb\xbf") {
				continue
			}
			if !slices.Contains(got, text) {
				t.Errorf("%q is missing in %q", text, got)
			}
		}
	})
}
