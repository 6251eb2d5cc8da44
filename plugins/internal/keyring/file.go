package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kongwaf/detect/apikey"
)

// ParseFile reads a file of keys, YAML or JSON. It is either ours,
//
//	keys:
//	  - {key_sha256: 9f86..., consumer: ann, expires: 2027-03-31}
//
// with the fields of a Credential, or Kong's own declarative file (it begins with
// _format_version), of which consumers and key-auth credentials are read. Written is when the
// file was: what Kong knows by "still so many seconds" counts from then where no created_at
// says better. An error names the entry, and holds no secret. A file without any key is an
// error too: it is more likely half written than meant.
func ParseFile(text []byte, written time.Time) (*apikey.Set, error) {
	document, err := readDocument(text)
	if err != nil {
		return nil, err
	}
	var credentials []apikey.Credential
	field := "keys"
	if _, kongs := document["_format_version"]; kongs {
		field = "keyauth_credentials"
		credentials, err = kongCredentials(document, written)
	} else {
		credentials, err = ownCredentials(document)
	}
	if err != nil {
		return nil, err
	}
	if len(credentials) == 0 {
		return nil, fmt.Errorf("%s: there is no key in it", field)
	}
	set, err := apikey.New(credentials)
	if err != nil {
		return nil, fmt.Errorf("%s%w", field, err)
	}
	return set, nil
}

var yamlLine = regexp.MustCompile(`line \d+`)

// readDocument reads JSON or YAML, a mapping. Parsers' own errors may show some of the text, so
// only the place is taken from them.
func readDocument(text []byte) (map[string]any, error) {
	document := map[string]any{}
	if first := bytes.TrimLeft(text, " \t\r\n"); len(first) > 0 && first[0] == '{' {
		dec := json.NewDecoder(bytes.NewReader(text))
		if dec.Decode(&document) == nil && !dec.More() {
			return document, nil
		}
		// YAML that begins like JSON, or neither.
		clear(document)
	}
	var node yaml.Node
	err := yaml.Unmarshal(text, &node)
	if err == nil {
		keepDays(&node)
		err = node.Decode(&document) // bounds what aliases make
	}
	if err != nil {
		where := "not YAML or JSON"
		if line := yamlLine.FindString(err.Error()); line != "" {
			where += " at " + line
		}
		return nil, errors.New(where + ": write keys: and a list below it, or Kong's declarative file")
	}
	return document, nil
}

// keepDays makes texts of timestamps: of a day, YAML makes its first moment.
func keepDays(n *yaml.Node) {
	if n.Tag == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, below := range n.Content {
		keepDays(below)
	}
}

// convert reads a value into a struct, strictly. A wrong type is named by its field only.
func convert(value any, strict bool, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return errors.New("is not what stands there")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if strict {
		dec.DisallowUnknownFields()
	}
	err = dec.Decode(into)
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mismatch):
		found, _, _ := strings.Cut(mismatch.Value, " ")
		return fmt.Errorf("has a %s in %s: write a %s (numbers in quotes)", found, mismatch.Field, mismatch.Type)
	case err != nil && strings.Contains(err.Error(), "unknown field"):
		_, name, _ := strings.Cut(err.Error(), "unknown field ")
		return fmt.Errorf("has the unknown field %s", name)
	case err != nil:
		return errors.New("is not what stands there")
	}
	return nil
}

func ownCredentials(document map[string]any) ([]apikey.Credential, error) {
	list, ok := document["keys"].([]any)
	if !ok || len(document) != 1 {
		return nil, errors.New("keys: write a list of keys below it, and nothing beside it; or Kong's declarative file, with its _format_version")
	}
	credentials := make([]Credential, len(list))
	for i := range list {
		if err := convert(list[i], true, &credentials[i]); err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
	}
	compiled, err := Compile(credentials)
	if err != nil {
		return nil, fmt.Errorf("keys%w", err)
	}
	return compiled, nil
}
