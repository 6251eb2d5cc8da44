package extract

// items.go reads the two binary formats that are JSON in other clothes: MessagePack
// (msgpack.org's specification) and CBOR (RFC 8949).

// itemKind is what an item is to the walk.
type itemKind uint8

const (
	itemScalar itemKind = iota
	itemText
	itemArray
	itemMap
	itemTag   // says something about the next item
	itemBreak // ends a container of unknown length
	itemBad
)

// item is one item of a MessagePack or CBOR text, without what is inside it.
type item struct {
	kind itemKind
	text string // of texts and byte strings
	size uint64 // elements of an array, pairs of a map; endless if unknown
	end  int    // where the item (for containers: its head) ends
}

const endless = 1 << 62

// itemReader reads the item at i; it needs i < len(s).
type itemReader func(s string, i int) item

const maxItemDepth = 64

// items hands out the texts and map keys of s. It reports whether s was well-formed
// throughout; what follows the first error has not been handed out.
func (w *Walker) items(s string, read itemReader) (clean bool) {
	base := len(w.path)
	defer func() { w.path = w.path[:base] }()
	var left [maxItemDepth]uint64 // items still to come in each open container
	depth := 0
	key := true
	label := named("")
	for i := 0; i < len(s); {
		it := read(s, i)
		i = it.end
		if it.kind == itemBad || w.stopped {
			return false
		}
		if it.kind == itemTag {
			continue
		}
		inMap := depth > 0 && !w.path[len(w.path)-1].array
		isKey := inMap && key
		switch it.kind {
		case itemText:
			switch {
			case isKey:
				w.name(it.text)
				label = named(it.text)
			case looksText(it.text):
				w.value(label, it.text)
			default:
				w.binary(label, it.text)
			}
		case itemScalar:
			if isKey {
				label = named("")
			}
		case itemArray, itemMap:
			if depth == maxItemDepth {
				w.truncated = true
				return false
			}
			n := it.size
			if it.kind == itemMap && n < endless {
				n *= 2
			}
			label.array, label.next = it.kind == itemArray, 0
			w.push(label)
			left[depth] = n
			depth++
			key = true
			label = w.inside(label)
			if n > 0 {
				continue
			}
			left[depth-1] = 1 // closed below
		case itemBreak:
			if depth == 0 || left[depth-1] < endless/2 {
				return false
			}
			left[depth-1] = 1
		}
		// One item is complete: count it, and the containers that it completes.
		for depth > 0 {
			top := &w.path[len(w.path)-1]
			left[depth-1]--
			if left[depth-1] > 0 {
				if top.array {
					top.next++
					label = w.inside(*top)
				} else {
					key = !isKey
					if isKey {
						break
					}
					label = named("")
				}
				break
			}
			w.pop()
			depth--
			isKey = false
		}
		if depth == 0 {
			label = named("")
		}
	}
	return depth == 0
}

// looksItems reports whether s is, throughout, one container in the given format with a
// text in it.
func looksItems(s string, read itemReader) bool {
	if len(s) < 4 {
		return false
	}
	if first := read(s, 0); first.kind != itemMap && first.kind != itemArray || first.size == 0 {
		return false
	}
	open, texts := uint64(1), 0
	for i := 0; i < len(s); {
		if open == 0 {
			return false
		}
		it := read(s, i)
		if it.kind == itemBad {
			return false
		}
		i = it.end
		switch it.kind {
		case itemTag:
			continue
		case itemText:
			texts++
		case itemArray:
			open += it.size
		case itemMap:
			open += 2 * it.size
		case itemBreak:
			// The container counts as endless: back to what was open before is unknown, so
			// a break must end the text of this simple check.
			return texts > 0 && i == len(s)
		}
		open--
	}
	return open == 0 && texts > 0
}

// msgpackItem reads a MessagePack item.
func msgpackItem(s string, i int) item {
	c := s[i]
	switch {
	case c <= 0x7f || c >= 0xe0:
		return item{end: i + 1}
	case c <= 0x8f:
		return item{kind: itemMap, size: uint64(c & 0x0f), end: i + 1}
	case c <= 0x9f:
		return item{kind: itemArray, size: uint64(c & 0x0f), end: i + 1}
	case c <= 0xbf:
		return textItem(s, i+1, uint64(c&0x1f))
	}
	// A head of 1, 2, 4 or 8 bytes of length or of value.
	switch c {
	case 0xc0, 0xc2, 0xc3:
		return item{end: i + 1}
	case 0xc4, 0xd9: // bin8, str8
		return sizedText(s, i, 1, 0)
	case 0xc5, 0xda:
		return sizedText(s, i, 2, 0)
	case 0xc6, 0xdb:
		return sizedText(s, i, 4, 0)
	case 0xc7: // ext: one byte of type before the data
		return sizedText(s, i, 1, 1)
	case 0xc8:
		return sizedText(s, i, 2, 1)
	case 0xc9:
		return sizedText(s, i, 4, 1)
	case 0xca, 0xce, 0xd2:
		return skipItem(s, i+5)
	case 0xcb, 0xcf, 0xd3:
		return skipItem(s, i+9)
	case 0xcc, 0xd0:
		return skipItem(s, i+2)
	case 0xcd, 0xd1:
		return skipItem(s, i+3)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // fixext 1, 2, 4, 8, 16
		return skipItem(s, i+2+1<<(c-0xd4))
	case 0xdc, 0xde:
		return sizedContainer(s, i, 2, c == 0xde)
	case 0xdd, 0xdf:
		return sizedContainer(s, i, 4, c == 0xdf)
	}
	return item{kind: itemBad}
}

// cborItem reads a CBOR item.
func cborItem(s string, i int) item {
	c := s[i]
	major, info := c>>5, c&0x1f
	n, end := uint64(info), i+1
	switch {
	case info >= 24 && info <= 27:
		size := 1 << (info - 24)
		if end+size > len(s) {
			return item{kind: itemBad}
		}
		n = bigEndian(s[end : end+size])
		end += size
	case info == 31:
		n = endless
	case info > 27:
		return item{kind: itemBad}
	}
	switch major {
	case 2, 3:
		if info == 31 {
			// Chunks follow; they read as an array of texts.
			return item{kind: itemArray, size: endless, end: end}
		}
		return textItem(s, end, n)
	case 4, 5:
		if n > uint64(len(s)) && info != 31 {
			return item{kind: itemBad}
		}
		kind := itemArray
		if major == 5 {
			kind = itemMap
		}
		return item{kind: kind, size: n, end: end}
	case 6:
		return item{kind: itemTag, end: end}
	case 7:
		if info == 31 {
			return item{kind: itemBreak, end: end}
		}
	default:
		if info == 31 {
			return item{kind: itemBad}
		}
	}
	return item{end: end}
}

func skipItem(s string, end int) item {
	if end > len(s) {
		return item{kind: itemBad}
	}
	return item{end: end}
}

func textItem(s string, i int, n uint64) item {
	if n > uint64(len(s)-i) {
		return item{kind: itemBad}
	}
	return item{kind: itemText, text: s[i : i+int(n)], end: i + int(n)}
}

// sizedText reads a text whose length has size bytes behind the byte at i, and skip bytes
// between the length and the text.
func sizedText(s string, i, size, skip int) item {
	i++
	if i+size+skip > len(s) {
		return item{kind: itemBad}
	}
	return textItem(s, i+size+skip, bigEndian(s[i:i+size]))
}

func sizedContainer(s string, i, size int, isMap bool) item {
	i++
	if i+size > len(s) {
		return item{kind: itemBad}
	}
	n := bigEndian(s[i : i+size])
	if n > uint64(len(s)) {
		return item{kind: itemBad}
	}
	kind := itemArray
	if isMap {
		kind = itemMap
	}
	return item{kind: kind, size: n, end: i + size}
}

func bigEndian(s string) (n uint64) {
	for i := range len(s) {
		n = n<<8 | uint64(s[i])
	}
	return n
}
