package nosql

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// What an operator does to a query.
const (
	runs     uint32 = 1 << iota // code, a whole condition, another collection
	compares                    // a condition in place of a value
	combines                    // several conditions
	quiet                       // a condition that JSON of other origin has as a key, too
)

// operators are MongoDB's. $set, $push and the like are what analytics services post all day;
// $ref, $schema and $id are JSON's; $filter and $top are OData's.
var known = words.New(
	words.Group{Kind: runs, Words: `$where $function $accumulator $expr $jsonschema $lookup $unionwith`},
	words.Group{Kind: compares, Words: `$ne $gt $gte $lt $lte $nin $in $regex $exists $not $elemmatch`},
	words.Group{Kind: combines, Words: `$nor $or $and`},
	words.Group{Kind: quiet, Words: `$eq $all $size $mod $text $options $comment $slice $type`},
)

// What a field holds.
const (
	secret   uint32 = 1 << iota // what proves who somebody is
	identity                    // who somebody is
	filter                      // a filter, as a whole
)

// fields are names by what they hold. Where a filter is expected, an identity may be looked
// for in any way; a secret may not.
var fields = words.New(
	words.Group{Kind: secret, Words: `password passwd pass pwd passphrase passcode pin otp totp mfa token access_token refresh_token
		reset_token resettoken reset_password_token resetpasswordtoken csrf secret client_secret api_key apikey p pw
		user_password userpassword login_password session sessionid session_id sid credential credentials`},
	words.Group{Kind: identity, Words: `user username user_name userid user_id login email mail e-mail email_address account u uname usr
		name_or_email identifier phone`},
	words.Group{Kind: filter, Words: `where filter filters query selector criteria condition conditions match find aggregate pipeline`},
)

// maxDollars bounds how many dollar signs of one value are looked at. An operator that
// far into a text could only be documentation (see place).
const maxDollars = 1000

// maxOperator is the length of the longest operator that is known.
const maxOperator = 12

// operatorAt returns the end of the operator whose dollar sign is s[i], and what it does.
func operatorAt(s string, i int) (end int, kind uint32) {
	end = i + 1
	if end >= len(s) || !letter(s[end]) {
		return end, 0
	}
	for end < len(s) && letter(s[end]) && end-i <= maxOperator {
		end++
	}
	return end, known.Of(s[i:end])
}

// weight is how sure an operator makes us that a query is being rewritten. field is the name
// of the field that it is a condition on, top that of the outermost one.
func weight(op string, kind uint32, field, top string) float64 {
	holds := fields.Of(field)
	switch {
	case kind&runs != 0:
		return code
	case holds&secret != 0:
		return attack
	case kind&quiet != 0:
		return 0
	case holds&identity != 0 && fields.Of(top)&filter == 0 && op != "$in":
		return attack
	case field == "" && kind&compares != 0:
		return attack // in place of the whole value
	}
	return suspicious
}

// name judges a parameter's or a JSON field's name: user[$ne], $gt, filter.$where.
func name(v *value.Value) value.Match {
	s := v.Text
	var best value.Match
	for i, tries := 0, 0; i < len(s) && tries < maxDollars; tries++ {
		n := strings.IndexByte(s[i:], '$')
		if n < 0 {
			break
		}
		i += n
		end, kind := operatorAt(s, i)
		before := i == 0 || s[i-1] == '[' || s[i-1] == '.' || s[i-1] == '\'' || s[i-1] == '"'
		after := end == len(s) || s[end] == ']' || s[end] == '.' || s[end] == '[' || s[end] == '\'' || s[end] == '"'
		if kind > 0 && before && after {
			field, top := v.Under, v.Top
			if i > 0 {
				field, top = steps(s[:i-1])
			}
			if w := weight(s[i:end], kind, field, top); w > 0 {
				best = best.Better(match(w, i, end, "operator as a name"))
			}
		}
		i = end
	}
	return best
}

// steps returns the last and the first step of a name with brackets or dots: c and a of a[b][c].
func steps(s string) (last, first string) {
	s = strings.TrimRight(s, "]'\"")
	last, first = s, s
	if k := strings.LastIndexAny(s, "[."); k >= 0 {
		last = strings.TrimLeft(s[k+1:], "'\"")
	}
	if k := strings.IndexAny(s, "[."); k >= 0 {
		first = s[:k]
	}
	return last, first
}

// operators judges a text in which a document, or a part of one, may stand: {"$gt":""},
// true, $where: '1 == 1', [$ne]=1.
func operators(v *value.Value) value.Match {
	s := v.Text
	var best value.Match
	field := ""
	for i, tries := 0, 0; i < len(s) && tries < maxDollars && best.Confidence < code; tries++ {
		n := strings.IndexByte(s[i:], '$')
		if n < 0 {
			break
		}
		i += n
		end, kind := operatorAt(s, i)
		if kind == 0 {
			i = end
			continue
		}
		if at, conf, ok := keyed(s, i, end); ok {
			w := 0.0
			switch {
			case at >= 0 && s[at] == ',' && s[0] != '{':
				w = pasted(s, kind)
			case at >= 0 && s[at] == '[':
				field, top := steps(s[:at])
				w = weight(s[i:end], kind, field, top)
			default:
				if at >= 0 && s[at] == '{' {
					field = fieldBefore(s, at)
				}
				w = weight(s[i:end], kind, field, v.Name)
				if field == "" && kind&combines != 0 && strings.Contains(s, "{}") {
					w = attack // one of them holds for everything
				}
			}
			if w = min(w, conf); w > 0 {
				best = best.Better(match(w, i, end, "query operator"))
			}
		}
		i = end
	}
	return best
}

// pasted weighs an operator behind a comma that follows something other than a document: the
// rest of the query's own.
func pasted(s string, kind uint32) float64 {
	switch {
	case kind&runs != 0:
		return code
	case kind&quiet == 0:
		return attack
	case strings.IndexByte("'\"}]", s[0]) >= 0:
		return likely
	}
	return 0
}

// fieldBefore returns the name of the field whose document opens at s[open], "" if it is the
// whole value.
func fieldBefore(s string, open int) string {
	i := open
	for i > 0 && (space(s[i-1]) || s[i-1] == '[') && open-i < 16 { // [: conditions in a list
		i--
	}
	if i == 0 || s[i-1] != ':' {
		return ""
	}
	i--
	for i > 0 && (space(s[i-1]) || s[i-1] == '"' || s[i-1] == '\'') && open-i < 24 {
		i--
	}
	end := i
	for i > 0 && end-i < 64 && (letter(s[i-1]) || digit(s[i-1]) || s[i-1] == '-' || s[i-1] == '$') {
		i--
	}
	if i == end {
		return "?" // a name of other marks
	}
	return s[i:end]
}

// keyed reports whether the operator s[start:end] stands where a document has a key, behind
// which mark (-1: at the beginning), and how much the place tells: a value that begins there is
// the document; one that has text before it may be program text about MongoDB.
func keyed(s string, start, end int) (at int, confidence float64, ok bool) {
	i := start - 1
	quoted := i >= 0 && (s[i] == '"' || s[i] == '\'')
	if quoted {
		if end >= len(s) || s[end] != s[i] {
			return 0, 0, false
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
			return i, place(i), true
		}
		return i, 0.4, true
	}
	if j >= len(s) || s[j] != ':' {
		return 0, 0, false
	}
	switch {
	case i < 0:
		return i, 0.8, true
	case s[i] == '{' || s[i] == ',':
		return i, place(i), true
	}
	return 0, 0, false
}

// place weighs where in the text the key's document begins.
func place(i int) float64 {
	switch {
	case i < 48:
		return code
	case i < 160:
		return 0.6
	}
	return suspicious
}
