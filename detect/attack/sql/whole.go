package sql

// Statement reports whether a text is SQL as a program sends it on purpose: it begins with a
// statement, every literal in it begins and ends where SQL's do, and as the inside of a literal
// it would be no injection. What breaks out of somebody else's literal is no statement:
// "select' or 'a'='a" begins with a word of SQL, but its first quote closes what it did not open.
// Its cost is linear in the length of the text.
func Statement(text string) bool {
	l := lexer{text: text}
	k := l.next()
	for k == tComment && l.pos < len(text) {
		k = l.next()
	}
	if k != tWord || l.word != wSelect && l.word != wWith && !l.word.beginsStatement() {
		return false
	}
	if !tidy(text) {
		return false
	}
	for _, quote := range [...]byte{'\'', '"', '`'} {
		if closed(text, quote).Confidence >= blocked {
			return false
		}
	}
	return true
}

// tidy reports whether every literal and comment of a text is closed, and no literal begins at
// the end of a word (but for the prefixes of a letter or two: N'x', U&'x') or ends before one.
func tidy(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\'', '"', '`':
			if i > 1 && nameByte[text[i-1]] && nameByte[text[i-2]] {
				return false
			}
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if i >= len(text) || i+1 < len(text) && nameByte[text[i+1]] {
				return false
			}
		case '-':
			if i+1 < len(text) && text[i+1] == '-' {
				i = lineEnd(text, i)
			}
		case '/':
			if i+1 < len(text) && text[i+1] == '*' {
				i += 2
				for i+1 < len(text) && (text[i] != '*' || text[i+1] != '/') {
					i++
				}
				if i+1 >= len(text) {
					return false
				}
				i++
			}
		}
	}
	return true
}

// lineEnd returns where the line of text[i] ends.
func lineEnd(text string, i int) int {
	for i < len(text) && text[i] != '\n' {
		i++
	}
	return i
}
