package document

import (
	"strings"
	"testing"
	"time"
)

// The texts mark with ⟦ where the payload begins.
func TestMentions(t *testing.T) {
	rows := []struct {
		name, text string
		message    bool // people write to each other there
		want       bool
	}{
		{name: "a report that quotes", text: "The field is not escaped. Enter `⟦<b onclick=x>` and click on it.", want: true},
		{name: "an essay that quotes", text: "We use a small helper for that. It takes the name of the element and returns it as text, for example `⟦<b onclick=x>` for the first button of the page.", want: true},
		{name: "an essay with a fence", text: "We use a small helper for that. It takes the name of the element and returns it as text:\n\n```\n⟦<b onclick=x>\n```\n\nYou will find it in the folder of the page.", want: true},
		{name: "an account", text: "An attacker sends ⟦<b onclick=x> as the name of the file. The name is not escaped, so the code runs for everybody who opens the list.", want: true},
		{name: "an account in one sentence", text: "A traversal in the handler allows callers to read any file by way of ⟦../x in the path.", want: true},
		{name: "a question in a message", text: "how do I escape ⟦<b onclick=x> in a template?", message: true, want: true},
		{name: "a quotation in a report", text: `If the name is "⟦x; reboot" the payload runs as root.`, want: true},

		{name: "a table", text: "| id | input | expected |\n|---|---|---|\n| 3 | `⟦x; reboot` | the name is stored as it was typed |", want: true},

		{name: "a few words and a quotation", text: "my dear friend `⟦reboot`", want: false},
		{name: "a few words and a fence", text: "as I said before\n```\n⟦<b onclick=x>\n```\nthanks", want: false},
		{name: "prose without a word about it", text: "We had a lovely time at the lake. The children want to go back soon. It was a pity that you had to work. ⟦<b onclick=x>", want: false},
		{name: "behind the quotation", text: "We use a small helper for that. It takes the name of the element and returns it as text, for example `<b>`. It is easy. ⟦<b onclick=x>", want: false},
		{name: "an open fence", text: "We use a small helper for that. It takes the name of the element and returns it as text. It is in the folder of the page.\n```\n⟦<b onclick=x>", want: false},
		{name: "a question elsewhere", text: "how do I escape ⟦<b onclick=x> in a template?", want: false},
		{name: "a quote that closes a string", text: "We had a lovely time at the lake. The children want to go back soon, and it was a pity that you had to work, really \" ⟦onclick=x y=\"", want: false},
		{name: "padding is no language", text: "x.escape(y) inject=1 payload_2 `⟦reboot`", want: false},
		{name: "a payload that calls itself one", text: "⟦<xml id=\"xss\">XSS xss attack</xml><a b=\"xss\" c=\"xss\">", want: false},
		{name: "nothing", text: "⟦", want: false},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			at := strings.Index(r.text, "⟦")
			text := strings.Replace(r.text, "⟦", "", 1)
			talk := TalkOf(text, at, at+8)
			manner := Anywhere
			if r.message {
				manner = InMessage
			}
			if got := talk.Mentions(at, manner); got != r.want {
				t.Errorf("Mentions = %v, want %v: %d words, %d sentences, subject %d, quoted %v", got, r.want, talk.words, talk.sentences, talk.subject, talk.Quoted(at))
			}
		})
	}
}

func TestUnquotedKeepsPositions(t *testing.T) {
	const text = "Say `a` and \"b c\".\n```\nd\n```\ne"
	talk := TalkOf(text, 0, 0)
	got := string(talk.AppendUnquoted([]byte("x"))[1:])
	if want := "Say     and      .\n   \n \n   \ne"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestListing(t *testing.T) {
	const code = "func f() error {\n\treturn run(\"⟦x; reboot\")\n}\n\n// ⟦g does it\nfunc g() {\n\tx := ⟦1\n}\n"
	rows := []struct {
		name, text string
		want       []bool // for each mark
	}{
		{name: "code", text: code, want: []bool{true, true, false}},
		{name: "prose", text: "For a list, \"⟦see below\".\nIf you want it, \"⟦ask\".\nTry it.\nWhile it lasts.\n", want: []bool{false, false}},
		{name: "a line", text: `return run("⟦x; reboot")`, want: []bool{false}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			parts := strings.Split(r.text, "⟦")
			text, at := strings.Join(parts, ""), 0
			for i, want := range r.want {
				at += len(parts[i])
				if got := Listing(text) && InLiteral(text, at); got != want {
					t.Errorf("mark %d at %d: %v, want %v", i, at, got, want)
				}
			}
		})
	}
}

// TestTalkIsLinear counts nothing: it bounds the time for texts that make every search fail.
func TestTalkIsLinear(t *testing.T) {
	for _, piece := range []string{"\n```x", "`", "\"a ", "`a``b", "```\n", "a ", "escape. ", "\n~~~~x", "`\n"} {
		text := strings.Repeat(piece, look/len(piece))
		start := time.Now()
		for range 10 {
			talk := TalkOf(text, 0, 0)
			talk.Mentions(len(text)/2, InMessage)
		}
		if each := time.Since(start) / 10; each > 50*time.Millisecond {
			t.Errorf("%q repeated to %d bytes: %v", piece, len(text), each)
		}
	}
}

func TestCareful(t *testing.T) {
	const short, long = "XSS attack: `x`", "An attacker can make the server log any string. The logger looks up `x` and so on, and runs what it gets from there."
	for text, want := range map[string]bool{short: false, long: true} {
		talk := TalkOf(text, 0, 0)
		if got := talk.Mentions(strings.IndexByte(text, '`'), Careful); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
