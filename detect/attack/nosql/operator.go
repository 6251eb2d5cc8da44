package nosql

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// weight is how sure an operator as a key makes us that a query is being rewritten.
func weight(op string) float64 {
	switch op {
	case "$where", "$function", "$accumulator", "$expr", "$jsonSchema":
		return 0.95 // code, or a whole condition
	case "$ne", "$gt", "$gte", "$lt", "$lte", "$nin", "$regex", "$exists", "$not", "$nor", "$or", "$and", "$elemMatch", "$lookup", "$unionWith":
		return 0.85
	case "$in":
		return 0.75
	case "$eq", "$all", "$size", "$mod", "$text", "$options", "$comment", "$slice":
		return 0.4
	}
	// $set, $push and the like are what analytics services post all day; $ref, $schema,
	// $id and $type are JSON's; $filter and $top are OData's.
	return 0
}

// maxDollars bounds how many dollar signs of one value are looked at. An operator that
// far into a text could only be documentation (see place).
const maxDollars = 1000

// maxOperator is the length of the longest operator that weight knows.
const maxOperator = 12

// operatorAt returns the end of the operator whose dollar sign is s[i], and its weight.
func operatorAt(s string, i int) (end int, w float64) {
	end = i + 1
	if end >= len(s) || !letter(s[end]) {
		return end, 0
	}
	for end < len(s) && letter(s[end]) && end-i <= maxOperator {
		end++
	}
	return end, weight(s[i:end])
}

// name judges a parameter's or a JSON field's name: user[$ne], $gt, filter.$where.
func name(s string) value.Match {
	var best value.Match
	for i, tries := 0, 0; i < len(s) && tries < maxDollars; tries++ {
		n := strings.IndexByte(s[i:], '$')
		if n < 0 {
			break
		}
		i += n
		end, w := operatorAt(s, i)
		before := i == 0 || s[i-1] == '[' || s[i-1] == '.' || s[i-1] == '\'' || s[i-1] == '"'
		after := end == len(s) || s[end] == ']' || s[end] == '.' || s[end] == '[' || s[end] == '\'' || s[end] == '"'
		if w > 0 && before && after {
			best = best.Better(match(w, i, end, "operator as a name"))
		}
		i = end
	}
	return best
}

// operators judges a text in which a document, or a part of one, may stand: {"$gt":""},
// true, $where: '1 == 1', [$ne]=1.
func operators(s string) value.Match {
	var best value.Match
	for i, tries := 0, 0; i < len(s) && tries < maxDollars && best.Confidence < 0.95; tries++ {
		n := strings.IndexByte(s[i:], '$')
		if n < 0 {
			break
		}
		i += n
		end, w := operatorAt(s, i)
		if w == 0 {
			i = end
			continue
		}
		if conf, ok := keyed(s, i, end); ok {
			best = best.Better(match(min(w, conf), i, end, "query operator"))
		}
		i = end
	}
	return best
}

// keyed reports whether the operator s[start:end] stands where a document has a key, and
// how much the place tells: a value that begins there is the document; one that
// has text before it may be program text about MongoDB.
func keyed(s string, start, end int) (float64, bool) {
	i := start - 1
	quoted := i >= 0 && (s[i] == '"' || s[i] == '\'')
	if quoted {
		if end >= len(s) || s[end] != s[i] {
			return 0, false
		}
		end++
		i--
	}
	for i >= 0 && start-i < 16 && space(s[i]) {
		i--
	}
	j := skip(s, end)
	if i >= 0 && s[i] == '[' && j < len(s) && s[j] == ']' { // [$ne]=1
		if j+1 < len(s) && s[j+1] == '=' {
			return place(i), true
		}
		return 0.4, true
	}
	if j >= len(s) || s[j] != ':' {
		return 0, false
	}
	switch {
	case i < 0:
		return 0.8, true
	case s[i] == '{' || s[i] == ',':
		return place(i), true
	}
	return 0, false
}

// place weighs where in the text the key's document begins.
func place(i int) float64 {
	switch {
	case i < 48:
		return 0.95
	case i < 160:
		return 0.6
	}
	return 0.45
}
