package upload

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Documents that the programs which draw them run: ImageMagick's MVG and MSL, PostScript,
// PDF. They come under the names and types of images, so only their content counts.

// passes is how often such a document is read, at most.
const passes = 18

// drawn judges a text that begins as one of them.
func drawn(v *value.Value) value.Match {
	text := v.Text
	t := strings.TrimLeft(text, " \t\r\n\xef\xbb\xbf")
	if t == "" || t[0] != '%' && t[0] != 'p' && t[0] != '<' || t[0] != '<' && !v.Work.Spend(passes*len(text)) {
		return value.Match{}
	}
	at := len(text) - len(t)
	switch {
	case t[0] == '%' && strings.HasPrefix(t, "%!"):
		return postscript(text, at)
	case t[0] == '%' && strings.HasPrefix(t, "%PDF-"):
		return pdf(text)
	case t[0] == 'p' && strings.HasPrefix(t, "push graphic-context"):
		return mvg(text)
	case t[0] == '<':
		return msl(text)
	}
	return value.Match{}
}

// postscript judges PostScript: a file of a command, files for writing, ways out of the sandbox.
func postscript(text string, at int) value.Match {
	for _, p := range [...]string{"%pipe%", ") (w) file", ") (r) file", ")(w)file", ")(r)file", "(w)file", "(w) file", "/outputfile", ".forceput", ".setsafe", ".libfile",
		"setpagedevice undef", "runlibfile", "/undefinedfilename", "filenameforall", "deletefile", "renamefile", "legacy restore"} {
		if i := words.Index(text, p); i >= 0 {
			return found(certain, i, i+len(p), "PostScript that reaches out")
		}
	}
	if strings.HasPrefix(text[at:], "%!PS-Adobe") {
		return value.Match{}
	}
	if i := strings.Index(text, "restore"); i > 0 && strings.Contains(text, "stopped") {
		return found(blocked, i, i+7, "PostScript that reaches out")
	}
	return value.Match{}
}

// pdf judges a PDF that starts a program, or whose script sends or opens something, when it is opened.
func pdf(text string) value.Match {
	for _, p := range [...]string{"/launch", "submitform(", "app.launchurl", "exportdataobject", "geturl(", "this.importtextdata", "soap.request", "util.printf("} {
		if i := words.Index(text, p); i >= 0 && (p == "/launch" && words.Index(text, "/win") > 0 || p != "/launch" && words.Index(text, "/js") > 0) {
			return found(likely, i, i+len(p), "PDF that reaches out")
		}
	}
	return value.Match{}
}

// mvg judges a drawing of ImageMagick's own language: references that it hands to delegates.
func mvg(text string) value.Match {
	for _, p := range [...]string{"url(", "image over", "image 'msl", "ephemeral:", "label:@", "msl:", "text:", "image copy"} {
		if i := words.Index(text, p); i >= 0 {
			return found(certain, i, min(len(text), i+40), "drawing that reaches out")
		}
	}
	return value.Match{}
}

// msl judges a script of ImageMagick, and a drawing that includes one or a file by its pseudo
// formats.
func msl(text string) value.Match {
	head := text[:min(len(text), 8<<10)]
	if i := words.Index(head, "<image"); i >= 0 {
		for _, p := range [...]string{"<read filename", "<write filename"} {
			if k := words.Index(head[i:], p); k > 0 {
				return found(certain, i+k, i+k+len(p), "script of ImageMagick")
			}
		}
	}
	if words.Index(head, "<svg") < 0 {
		return value.Match{}
	}
	for _, p := range [...]string{"msl:", "mvg:", "ephemeral:", "label:@", "caption:@", "text:/", "vid:", "epi:", "inline:"} {
		for _, quote := range [...]string{`href="`, `href='`} {
			if i := words.Index(head, quote+p); i >= 0 {
				return found(certain, i, i+len(quote)+len(p), "drawing that includes a script or a file")
			}
		}
	}
	return value.Match{}
}
