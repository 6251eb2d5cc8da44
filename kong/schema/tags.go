package schema

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"kongwaf/kong/schema/internal/luapattern"
)

// trailingRule finds a rule that was written behind match by mistake.
var trailingRule = regexp.MustCompile(`,(required|referenceable|encrypted|(\w+\.)?(oneof|between|gt|lenmin|lenmax|type|format|match|deprecated)=.*)$`)

// jsonName returns the name in a json tag; options behind it are of no use here.
func jsonName(tag string) (string, error) {
	name, _, _ := strings.Cut(tag, ",")
	if name == "" || name == "-" {
		return "", fmt.Errorf(`needs a tag json:"name"`)
	}
	return name, nil
}

// applyRules reads a kong tag into f. See the package documentation for the grammar.
func (f *field) applyRules(tag string) error {
	for tag != "" {
		var rule string
		if isMatch(tag) {
			rule, tag = tag, ""
		} else {
			rule, tag, _ = strings.Cut(tag, ",")
		}
		name, arg, hasArg := strings.Cut(rule, "=")
		name = strings.TrimSpace(name)
		target := f
		if scope, rest, ok := strings.Cut(name, "."); ok {
			name = rest
			if target = f.scope(scope); target == nil {
				return fmt.Errorf("kong tag %q: %s has no %s", rule, f.kind.withArticle(), scope)
			}
		}
		if err := target.applyRule(name, arg, hasArg); err != nil {
			return fmt.Errorf("kong tag %q: %w", rule, err)
		}
	}
	return nil
}

// isMatch reports whether tag begins with a rule that takes the rest of the tag.
func isMatch(tag string) bool {
	name, _, ok := strings.Cut(tag, "=")
	name = strings.TrimSpace(name)
	return ok && (name == "match" || strings.HasSuffix(name, ".match") && !strings.Contains(name, ","))
}

func (f *field) scope(name string) *field {
	switch name {
	case "elements":
		return f.elements
	case "keys":
		return f.keys
	case "values":
		return f.values
	}
	return nil
}

// applyRule sets one rule; the error says what the rule wants.
func (f *field) applyRule(name, arg string, hasArg bool) error {
	wants := func(kinds ...kind) error {
		for _, k := range kinds {
			if f.kind == k {
				return nil
			}
		}
		return fmt.Errorf("is not for %s", f.kind.withArticle())
	}
	if flag := name == "required" || name == "referenceable" || name == "encrypted"; flag == hasArg {
		if flag {
			return fmt.Errorf("takes no value")
		}
		return fmt.Errorf("%q needs a value or is no rule", name)
	}
	var err error
	switch name {
	case "required":
		f.required = true
	case "referenceable":
		f.referenceable = true
		err = wants(kindString)
	case "encrypted":
		f.encrypted = true
		err = wants(kindString)
	case "oneof":
		for _, text := range strings.Split(arg, "|") {
			v, parseErr := f.parseScalar(text)
			if parseErr != nil {
				return parseErr
			}
			f.oneOf = append(f.oneOf, v)
		}
		err = wants(kindString, kindNumber, kindInteger)
	case "between":
		low, high, _ := strings.Cut(arg, ":")
		var b [2]float64
		if b[0], err = parseNumber(low); err != nil {
			return err
		}
		if b[1], err = parseNumber(high); err != nil {
			return err
		}
		if b[0] > b[1] {
			return fmt.Errorf("the lower end comes first")
		}
		f.between = &b
		err = wants(kindNumber, kindInteger)
	case "gt":
		n, parseErr := parseNumber(arg)
		if parseErr != nil {
			return parseErr
		}
		f.gt = &n
		err = wants(kindNumber, kindInteger)
	case "lenmin", "lenmax":
		n, parseErr := strconv.Atoi(arg)
		if parseErr != nil || n < 0 {
			return fmt.Errorf("needs a whole number, not %q", arg)
		}
		if name == "lenmin" {
			f.lenMin = &n
		} else {
			f.lenMax = &n
		}
		err = wants(kindString, kindArray, kindSet, kindMap)
	case "match":
		if rule := trailingRule.FindString(arg); rule != "" {
			return fmt.Errorf("match takes the rest of the tag: put %s before it", rule[1:])
		}
		if f.pattern, err = luapattern.Compile(arg); err == nil {
			err = wants(kindString)
		}
	case "format":
		f.formatName = arg
		err = wants(kindString)
	case "type":
		err = f.setKind(kind(arg))
	case "deprecated":
		replacement, removal, ok := strings.Cut(arg, "/")
		if !ok || replacement == "" || removal == "" {
			return fmt.Errorf("needs NEWNAME/REMOVAL, such as allow/4.0")
		}
		f.deprecated = &deprecation{replacement: replacement, removal: removal}
	default:
		return fmt.Errorf("there is no rule %q", name)
	}
	return err
}

// setKind overrides the kind that the Go type suggests.
func (f *field) setKind(k kind) error {
	numeric := f.kind == kindInteger || f.kind == kindNumber
	switch {
	case k == kindSet && f.kind == kindArray, numeric && (k == kindInteger || k == kindNumber):
		f.kind = k
		return nil
	}
	return fmt.Errorf("%s cannot be %s", f.kind.withArticle(), k.withArticle())
}

// applyErrText gives the text to the rules it was written for: the elements' if they have
// any, else the field's own.
func (f *field) applyErrText(text string) {
	for _, sub := range []*field{f.elements, f.keys, f.values} {
		if sub != nil && (sub.pattern != nil || sub.oneOf != nil || sub.between != nil || sub.gt != nil) {
			sub.errText = text
			return
		}
	}
	f.errText = text
}

// parseDefault reads a default tag by the field's kind.
func (f *field) parseDefault(text string) (any, error) {
	switch f.kind {
	case kindRecord:
		return nil, fmt.Errorf("a record has none of its own: give its fields defaults")
	case kindMap:
		if text != "{}" {
			return nil, fmt.Errorf("a map's can only be {}")
		}
		return map[string]any{}, nil
	case kindArray, kindSet:
		list := []any{}
		if text == "[]" {
			return list, nil
		}
		for _, part := range strings.Split(text, ",") {
			v, err := f.elements.parseScalar(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return f.parseScalar(text)
}

// parseScalar reads one string, number or boolean of a tag.
func (f *field) parseScalar(text string) (any, error) {
	switch f.kind {
	case kindString:
		return text, nil
	case kindInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", text)
		}
		return n, nil
	case kindNumber:
		return parseNumber(text)
	case kindBoolean:
		switch text {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("%q is not true or false", text)
	}
	return nil, fmt.Errorf("%s cannot be written in a tag", f.kind.withArticle())
}

func parseNumber(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}
