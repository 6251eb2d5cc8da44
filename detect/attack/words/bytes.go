package words

// Bytes is a set of bytes that texts are searched for. The zero value is empty.
type Bytes [256]uint8

// BytesOf returns the set of the bytes in s.
func BytesOf(s string) *Bytes {
	b := new(Bytes)
	for i := range len(s) {
		b[s[i]] = 1
	}
	return b
}

// Next returns where the first byte of the set from i on stands in text, len(text) if there
// is none. It takes four bytes at a time.
func (b *Bytes) Next(text string, i int) int {
	for ; i+4 <= len(text); i += 4 {
		four := text[i : i+4]
		if b[four[0]]|b[four[1]]|b[four[2]]|b[four[3]] != 0 {
			break
		}
	}
	for i < len(text) && b[text[i]] == 0 {
		i++
	}
	return i
}
