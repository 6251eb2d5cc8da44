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
