package detect

import (
	"fmt"
	"slices"
)

// Class is a family of attacks. The zero value, ClassNone, means "no attack".
// Its text form (String, MarshalText) is part of the machine formats and never changes.
type Class uint8

// The attack classes, in the order in which reports list them.
const (
	ClassNone           Class = iota
	ClassSQLi                 // SQL injection (CWE-89)
	ClassNoSQLi               // injection into NoSQL query documents and filters (CWE-943)
	ClassXSS                  // cross-site scripting (CWE-79)
	ClassRCE                  // shell, script and expression-language code execution (CWE-77, CWE-78, CWE-94, CWE-917)
	ClassPathTraversal        // path traversal and sensitive files (CWE-22)
	ClassSSRF                 // server-side request forgery, remote file inclusion, open redirect (CWE-918, CWE-98, CWE-601)
	ClassSSTI                 // server-side template injection (CWE-1336)
	ClassXXE                  // XML external entities and entity bombs (CWE-611, CWE-776)
	ClassSSI                  // server-side and edge-side includes (CWE-97)
	ClassLDAPi                // LDAP filter injection (CWE-90)
	ClassXPathi               // XPath and XQuery injection (CWE-643, CWE-652)
	ClassCRLF                 // header, response-splitting and mail injection (CWE-93, CWE-113)
	ClassDeser                // hostile serialised objects (CWE-502)
	ClassProtoPollution       // JavaScript prototype pollution (CWE-1321)
	ClassUpload               // web shells and disguised executables in uploads (CWE-434)
	ClassGraphQL              // abusive GraphQL documents: depth, aliases, batches, introspection (CWE-770)
	ClassProtocol             // malformed or ambiguous HTTP, smuggling signs, oversize (CWE-444)
	ClassScanner              // vulnerability scanners and their probes
	ClassSchema               // requests that the API's own description does not allow (CWE-20)
	classCount
)

var classNames = [classCount]string{
	ClassNone:           "none",
	ClassSQLi:           "sqli",
	ClassNoSQLi:         "nosqli",
	ClassXSS:            "xss",
	ClassRCE:            "rce",
	ClassPathTraversal:  "ptrav",
	ClassSSRF:           "ssrf",
	ClassSSTI:           "ssti",
	ClassXXE:            "xxe",
	ClassSSI:            "ssi",
	ClassLDAPi:          "ldapi",
	ClassXPathi:         "xpathi",
	ClassCRLF:           "crlf",
	ClassDeser:          "deser",
	ClassProtoPollution: "protopollution",
	ClassUpload:         "upload",
	ClassGraphQL:        "graphql",
	ClassProtocol:       "protocol",
	ClassScanner:        "scanner",
	ClassSchema:         "schema",
}

// Classes returns every attack class, in report order, without ClassNone.
func Classes() []Class {
	all := make([]Class, 0, classCount-1)
	for c := ClassNone + 1; c < classCount; c++ {
		all = append(all, c)
	}
	return all
}

// OneOf returns the text forms of all classes: what a config may say where it names one.
func (Class) OneOf() []string { return slices.Clone(classNames[ClassNone+1:]) }

// ParseClass returns the class with the given text form.
func ParseClass(name string) (Class, error) {
	for c := ClassNone + 1; c < classCount; c++ {
		if classNames[c] == name {
			return c, nil
		}
	}
	return ClassNone, fmt.Errorf("%q is not an attack class", name)
}

// String returns the class's fixed text form, such as "sqli".
func (c Class) String() string {
	if c < classCount {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// MarshalText implements encoding.TextMarshaler.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Class) UnmarshalText(text []byte) error {
	parsed, err := ParseClass(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
