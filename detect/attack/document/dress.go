package document

import "strings"

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
		case strings.HasPrefix(rest, "<p>"):
			rest = strings.TrimSuffix(strings.TrimRight(rest, " \r"), "</p>")
			end = at + len(rest)
			n = strings.LastIndex(rest, "<p>") + len("<p>")
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

// leastWords is how many words in a row are the beginning of a sentence.
const leastWords = 3

// Words returns the length of the words with which a line begins, 0 if there are fewer than
// three or nothing but a word follows: "see you at 5" has 11.
func Words(line string) int {
	for i, n := 0, 0; ; n++ {
		start := i
		for i < len(line) && (isWordByte(line[i]) || line[i] == '\'' && i > start && i+1 < len(line) && isWordByte(line[i+1])) {
			i++
		}
		if i > start && i < len(line) && strings.IndexByte(",.:", line[i]) >= 0 {
			i++
		}
		switch {
		case i == len(line) && i > start:
			return 0
		case i == start || line[i] != ' ':
			if n < leastWords {
				return 0
			}
			return start
		}
		i++
	}
}
