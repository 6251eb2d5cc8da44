package upload

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

var rows = []row{
	{name: "PHP", attack: "shell.php", twin: "report.final.pdf", field: "filename", isName: true},
	{name: "any case", attack: "shell.pHtMl", twin: "photo.tar.gz", field: "filename", isName: true},
	{name: "JSP", attack: "x.jsp", twin: "x.js", field: "filename", isName: true},
	{name: "ASP.NET", attack: "x.aspx", twin: "asp.txt", field: "filename", isName: true},
	{name: "executable first", attack: "x.php.jpg", twin: "x.2024.jpg", field: "filename", isName: true},
	{name: "executable last", attack: "x.jpg.php", twin: "php.jpg", field: "filename", isName: true},
	{name: "NUL", attack: "x.php\x00.png", twin: "x.png", field: "filename", isName: true},
	{name: "trailing dot", attack: "x.php.", twin: "Dr. Who.", field: "filename", isName: true},
	{name: "trailing blank", attack: "x.asp ", twin: "notes ", field: "filename", isName: true},
	{name: "alternate stream", attack: "x.aspx::$DATA", twin: "12:30 photo.jpg", field: "filename", isName: true},
	{name: "semicolon (IIS)", attack: "x.asp;.jpg", twin: "a;b.jpg", field: "filename", isName: true},
	{name: "configuration", attack: ".htaccess", twin: "htaccess.txt", field: "filename", isName: true},
	{name: "path before it", attack: "../../x.php", twin: "C:\\photos\\x.jpg", field: "filename", isName: true},
	{name: "script that no server runs by name", attack: "web.config", twin: "script.sh", field: "filename", isName: true},
	{name: "code behind an image's first bytes", attack: "GIF89a;<?php system($_GET['c']); ?>", twin: "GIF89a\x01\x00<\x02\x03"},
	{name: "code in a photo", attack: "\xff\xd8\xff\xe0JFIF<?=`$_GET[0]`?>", twin: "\xff\xd8\xff\xe0JFIF<?xpacket begin"},
}
