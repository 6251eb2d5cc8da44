package extract

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kongwaf/detect"
)

// zipped returns an archive of members, given as name and content in turn.
func zipped(method uint16, members ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		m, _ := z.CreateHeader(&zip.FileHeader{Name: members[i], Method: method})
		m.Write([]byte(members[i+1]))
	}
	z.Close()
	return b.String()
}

// document members, as a word processor writes them.
func docx(body string) []string {
	const types = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n" +
		`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`
	return []string{"[Content_Types].xml", types, "word/media/image1.png", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\xffa", 500), "word/document.xml", body}
}

func upload(content string) *shapeRequest {
	return post("multipart/form-data; boundary=bb", lines("--bb", `Content-Disposition: form-data; name="f"; filename="a"`, "", content, "--bb--", ""))
}

func TestZip(t *testing.T) {
	const prolog = `<?xml version="1.0"?>` + "\n<!-- a <note> -->\n"
	const hostile = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`
	wide := func(s string) string { // UTF-16
		var b strings.Builder
		b.WriteString("\xff\xfe")
		for _, c := range []byte(s) {
			b.WriteByte(c)
			b.WriteByte(0)
		}
		return b.String()
	}
	const text = `<w:document xmlns:w="x"><w:body><w:t>It's a text about ../.. and &lt;script&gt;</w:t></w:body></w:document>`
	for _, method := range []uint16{zip.Deflate, zip.Store} {
		for _, row := range []struct {
			name    string
			members []string
			doctype bool
			class   detect.Class
		}{
			{name: "document", members: docx(prolog + text)},
			{name: "document with a hostile type", members: docx(prolog + hostile + text), doctype: true},
			{name: "the same in UTF-16", members: docx(wide(prolog + hostile + text)), doctype: true},
			{name: "behind a byte order mark and much else", members: docx("\xef\xbb\xbf<!--" + strings.Repeat("long text ", 9000) + "-->" + hostile + text), doctype: true},
			{name: "in the last of many members", members: append(slices.Repeat([]string{"a.txt", "text"}, 400), "b.xml", hostile+"<a/>"), doctype: true},
			{name: "XML that never begins", members: []string{"a.xml", "<!--" + strings.Repeat("long text ", 60_000) + "-->" + hostile + "<a/>"}, class: detect.ClassProtocol},
			{name: "source code", members: []string{"src/index.php", "<?php system($_GET['c']); ?>", "page.html", "<script>alert(1)</script>", ".env", "A=b", "a..b/c", "x"}},
			{name: "a name that climbs", members: []string{"a.txt", "x", "../../../etc/cron.d/a", "x"}, class: detect.ClassPathTraversal},
			{name: "a name that climbs as Windows has it", members: []string{`docs\..\..\a.exe`, "x"}, class: detect.ClassPathTraversal},
		} {
			for _, r := range []*shapeRequest{upload(zipped(method, row.members...)), post("application/zip", zipped(method, row.members...))} {
				got, _, found := leaves(r, Limits{}, false)
				if has := slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, ".zip="+hostile) }); has != row.doctype {
					t.Errorf("%s, method %d: document type %v in\n%s", row.name, method, has, quoted(got))
				}
				class := detect.ClassNone
				if len(found) > 0 {
					class = found[0].Class
				}
				if class != row.class {
					t.Errorf("%s, method %d: found %v", row.name, method, found)
				}
			}
		}
	}
}

// FuzzZip: whatever is in an archive, looking into it ends, and costs no more than it may.
func FuzzZip(f *testing.F) {
	f.Add([]byte(zipped(zip.Deflate, "a.xml", "<!DOCTYPE a><a/>", "../b", "x")))
	f.Add([]byte(zipped(zip.Store, "a.xml", "\xff\xfe<\x00!\x00", "b", "PK\x03\x04PK\x01\x02")))
	f.Add([]byte("PK\x03\x04PK\x03"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var w Walker
		most := 0
		w.Walk(post("", zipLocal+string(data)), Limits{}, func(l *Leaf) bool {
			most += len(l.Text)
			_ = l.Place()
			return true
		})
		if limit := 8*len(data) + 2*maxMembers*maxProlog; most > limit {
			t.Fatal(fmt.Sprint(most, " bytes"))
		}
	})
}
