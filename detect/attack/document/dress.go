package document

import (
	"strings"

	"kongwaf/detect/attack/words"
)

// Undressed returns where a line of a text begins and ends without what people and programs
// put around it: blanks, the marks of lists and of quoted mail, a comment before it, the tags
// of a paragraph. The line is text[at:end].
func Undressed(text string, at, end int) (from, to int) {
	for at < end {
		rest := text[at:end]
		n := 0
		switch c := rest[0]; {
		case c <= ' ':
			n = 1
		case (c == '>' || c == '*' || c == '-' || c == '+') && len(rest) > 2 && rest[1] == ' ' && rest[2] != '-':
			n = 2
		case strings.HasPrefix(rest, "/*"):
			if i := strings.Index(rest, "*/"); i > 0 {
				n = i + 2
			}
		case strings.HasPrefix(rest, "// "):
			n = 3
		case strings.HasPrefix(rest, "**"), strings.HasPrefix(rest, "__"):
			n = 2
			rest = strings.TrimRight(rest, " \r")
			end = at + max(n, len(strings.TrimSuffix(rest, rest[:2])))
		case c == '<':
			n = openTag(rest)
			if n > 0 {
				end -= closeTags(rest[n:])
				n += lastElement(text[at+n : max(at+n, end)])
			}
		}
		if n == 0 {
			break
		}
		at += n
	}
	for end > at && text[end-1] <= ' ' {
		end--
	}
	return at, end
}

// openTag returns the length of the tag or comment of plain rich text with which a text
// begins, 0 if it begins with none.
func openTag(text string) int {
	if text == "" || text[0] != '<' {
		return 0
	}
	if strings.HasPrefix(text, "<!--") {
		if i := strings.Index(text, "-->"); i > 0 {
			return i + 3
		}
		return 0
	}
	i := 1
	for i < len(text) && 'a' <= text[i]|0x20 && text[i]|0x20 <= 'z' {
		i++
	}
	end := strings.IndexByte(text, '>')
	if i == len(text) || end < i || blocks.Of(text[1:i]) == 0 || end > i && text[i] != ' ' {
		return 0
	}
	return end + 1
}

// lastElement returns where the last element of a row of elements begins: in
// "one</li><li>two" at the second tag.
func lastElement(text string) int {
	i := strings.LastIndex(text, "</")
	if i < 0 {
		return 0
	}
	n := strings.IndexByte(text[i:], '>')
	if n < 2 || blocks.Of(text[i+2:i+n]) == 0 || openTag(text[i+n+1:]) == 0 {
		return 0
	}
	return i + n + 1
}

// closeTags returns the length of the tags with which a text ends that close what plain rich
// text opens.
func closeTags(text string) int {
	n := 0
	for {
		rest := strings.TrimRight(text[:len(text)-n], " \r")
		i := strings.LastIndex(rest, "</")
		if i < 0 || len(rest) == 0 || rest[len(rest)-1] != '>' || blocks.Of(rest[i+2:len(rest)-1]) == 0 {
			return n
		}
		n = len(text) - i
	}
}

// blocks are the elements of plain rich text.
var blocks = words.New(words.Group{Kind: 1, Words: "p div span ul ol li blockquote b i em strong h1 h2 h3 h4 table tbody tr td th pre code"})

// leastWords is how many words in a row are the beginning of a sentence.
const leastWords = 2

// Words returns the length of the words with which a line begins, 0 if there are fewer than
// two or nothing but a word follows: "see you at 5" has 11. A single word with a colon is a
// label, and enough.
func Words(line string) int {
	label := false
	for i, n := 0, 0; ; n++ {
		start := i
		for i < len(line) && (isWordByte(line[i]) || line[i] == '\'' && i > start && i+1 < len(line) && isWordByte(line[i+1])) {
			i++
		}
		if i > start && i < len(line) && strings.IndexByte(",.:!?", line[i]) >= 0 {
			label = line[i] == ':'
			i++
		}
		switch {
		case i == len(line) && i > start:
			return 0
		case i == start || line[i] != ' ':
			if n < leastWords && !(label && n == 1) {
				return 0
			}
			return start
		}
		i++
	}
}
