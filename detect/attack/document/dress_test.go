package document

import "testing"

func TestUndressed(t *testing.T) {
	rows := []struct{ name, line, want string }{
		{name: "nothing", line: "", want: ""},
		{name: "bare", line: "1 or 2=2", want: "1 or 2=2"},
		{name: "blanks", line: " \t1 or 2=2 \r", want: "1 or 2=2"},
		{name: "bullet", line: "- 1 or 2=2", want: "1 or 2=2"},
		{name: "mail in mail", line: "> > 1 or 2=2", want: "1 or 2=2"},
		{name: "comment before", line: "/* as usual */ 1 or 2=2", want: "1 or 2=2"},
		{name: "comment of a line", line: "// 1 or 2=2", want: "1 or 2=2"},
		{name: "paragraphs", line: "<p>Hello.</p><p>1 or 2=2</p>", want: "1 or 2=2"},
		{name: "bold", line: "**1 or 2=2**", want: "1 or 2=2"},
		{name: "rich text", line: "<ul><li class=\"a\">1 or 2=2</li></ul>", want: "1 or 2=2"},
		{name: "a comment of markup", line: "<!-- x -->1 or 2=2", want: "1 or 2=2"},
		{name: "a tag that does more", line: "<divx>1", want: "<divx>1"},
		{name: "an image", line: "<img src=x>", want: "<img src=x>"},
		{name: "a row of elements", line: "<ul><li>one</li><li>1 or 2=2</li></ul>", want: "1 or 2=2"},
		{name: "nothing but tags", line: "<p></p>", want: ""},
		{name: "less than", line: "<", want: "<"},
		{name: "a comment that does not end", line: "/* 1 or 2=2", want: "/* 1 or 2=2"},
		{name: "a negative number", line: "-1 or 2=2", want: "-1 or 2=2"},
		{name: "a comment of SQL", line: "-- x", want: "-- x"},
		{name: "a bullet before a comment of SQL", line: "- -- x", want: "- -- x"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			text := "a\n" + r.line + "\nb"
			from, to := Undressed(text, 2, 2+len(r.line))
			if got := text[from:to]; got != r.want {
				t.Errorf("%q, want %q", got, r.want)
			}
		})
	}
}

func TestWords(t *testing.T) {
	rows := []struct {
		line string
		want int
	}{
		{line: "", want: 0},
		{line: "see you at 5", want: 11},
		{line: "Well, it's me. 5 or 6", want: 15},
		{line: "où êtes vous 'x", want: len("où êtes vous ")},
		{line: "see you 5", want: 8},
		{line: "PS: 5", want: 4},
		{line: "see 5", want: 0},
		{line: "see you at home", want: 0},
		{line: "5 or 6", want: 0},
		{line: "a.b c d 5", want: 0},
	}
	for _, r := range rows {
		if got := Words(r.line); got != r.want {
			t.Errorf("%q: %d, want %d", r.line, got, r.want)
		}
	}
}

func TestCode(t *testing.T) {
	rows := []struct {
		name, text string
		want       bool
	}{
		{name: "a function", text: "x := f(1)\nif x > 2 {\n\treturn g(x)\n}\n", want: true},
		{name: "configuration", text: "server:\n  port: 1\n  hosts:\n    - a\nlog:\n", want: true},
		{name: "a letter", text: "Dear Maria,\n\nplease see below:\n\n1 or 2=2\n\nRegards,\nTom", want: false},
		{name: "a line", text: "f(1)", want: false},
	}
	for _, r := range rows {
		if got := Code(r.text); got != r.want {
			t.Errorf("%s: %v, want %v", r.name, got, r.want)
		}
	}
}
