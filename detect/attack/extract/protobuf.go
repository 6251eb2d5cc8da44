package extract

// fieldWords are the numbers of low protobuf fields as text, for places.
var fieldWords = [...]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"}

func fieldWord(n uint64) string {
	if n < uint64(len(fieldWords)) {
		return fieldWords[n]
	}
	return "n"
}

const maxMessageDepth = 16

// grpc reads the length-prefixed messages of a gRPC or gRPC-web body (gRPC over HTTP/2,
// "Length-Prefixed-Message") and the texts in them.
func (w *Walker) grpc(s, contentType string) (clean bool) {
	clean = true
	frames := 0
	for s != "" && !w.stopped {
		if len(s) < 5 {
			w.plain(segment{index: -1}, s)
			return false
		}
		flag, n := s[0], int(bigEndian(s[1:5]))
		message := s[5:]
		if n > len(message) {
			clean = false // cut off, or not gRPC at all
			n = len(message)
		}
		message, s = message[:n], s[5+n:]
		frames++
		mark := len(w.steps)
		if flag&1 != 0 {
			message = w.decompressMessage(message)
		}
		switch {
		case flag&0x80 != 0: // trailers of gRPC-web
			w.plain(named("trailers"), message)
		case contains(contentType, "+json") || message != "" && looksJSON(message):
			w.json(message)
		case !w.protobuf(message, 0):
			clean = false
			w.plain(segment{index: -1}, message)
		}
		w.back(mark)
	}
	return clean && frames > 0
}

// decompressMessage undoes the message encoding that grpc-encoding names, or that shows.
func (w *Walker) decompressMessage(s string) string {
	p := coded{text: s, size: int64(len(s))}
	if out, ok := w.inflate(codingOf(w.declared.grpcEncoding, s), p, false); ok {
		p = out
	}
	p = w.decompressLooks(p)
	if p.from != nil {
		p.from.drain()
	}
	return p.text
}

// looksGRPC reports whether s is one or more length-prefixed messages, exactly.
func looksGRPC(s string) bool {
	frames := 0
	for len(s) >= 5 && s[0] <= 1 {
		n := bigEndian(s[1:5])
		if n > uint64(len(s)-5) || n == 0 {
			return false
		}
		frames++
		s = s[5+n:]
	}
	return frames > 0 && s == ""
}

// protobuf reads a message in protobuf's wire format without its schema: fields that are
// text are handed out under their number ("grpc.1.2"), fields that may be messages are read
// as such. It reports whether s is a well-formed message.
func (w *Walker) protobuf(s string, depth int) bool {
	if !validMessage(s) {
		return false
	}
	for i := 0; i < len(s) && !w.stopped; {
		field, payload, end := protobufField(s, i)
		i = end
		if payload == "" {
			continue
		}
		label := named(fieldWord(field))
		text := looksText(payload)
		if depth < maxMessageDepth && len(payload) > 2 && (!text || payload[0] < 0x20) {
			w.push(label)
			ok := w.protobuf(payload, depth+1)
			w.pop()
			if ok && !text {
				continue
			}
		}
		if text {
			w.value(label, payload)
		} else {
			w.binary(label, payload)
		}
	}
	return true
}

// looksProtobuf reports whether binary data is probably a message: well-formed, and with a
// text of some length in it or below.
func looksProtobuf(s string) bool {
	if !validMessage(s) {
		return false
	}
	for i := 0; i < len(s); {
		field, payload, end := protobufField(s, i)
		i = end
		if field > 1<<15 {
			return false
		}
		if len(payload) > 3 && (looksText(payload) || validMessage(payload)) {
			return true
		}
	}
	return false
}

// validMessage reports whether s consists of well-formed fields.
func validMessage(s string) bool {
	for i := 0; i < len(s); {
		_, _, end := protobufField(s, i)
		if end < 0 {
			return false
		}
		i = end
	}
	return len(s) > 0
}

// protobufField reads the field at i. Payload is the content of a length-delimited field,
// end is -1 if there is no valid field.
func protobufField(s string, i int) (field uint64, payload string, end int) {
	key, i := varint(s, i)
	if i < 0 || key>>3 == 0 {
		return 0, "", -1
	}
	switch key & 7 {
	case 0:
		if _, i = varint(s, i); i < 0 {
			return 0, "", -1
		}
	case 1:
		i += 8
	case 2:
		var n uint64
		if n, i = varint(s, i); i < 0 || n > uint64(len(s)-i) {
			return 0, "", -1
		}
		payload = s[i : i+int(n)]
		i += int(n)
	case 3, 4: // groups: their fields read as ours
	case 5:
		i += 4
	default:
		return 0, "", -1
	}
	if i > len(s) {
		return 0, "", -1
	}
	return key >> 3, payload, i
}

// varint reads a varint of at most ten bytes at i; end is -1 if there is none.
func varint(s string, i int) (n uint64, end int) {
	for shift := uint(0); shift < 70 && i < len(s); shift += 7 {
		c := s[i]
		i++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n, i
		}
	}
	return 0, -1
}
