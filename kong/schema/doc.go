// Package schema makes the Kong schema of a plugin from its Config struct, and checks and
// decodes configs by that same schema: what Kong shows, what Kong enforces and what the
// plugin accepts cannot drift apart.
//
// [Of] reads the struct. [Schema.JSON] is what Kong is given. [Schema.Decode] turns the
// config JSON that Kong sends into the struct. [Schema.Complete] does to a config from a
// YAML file what Kong does before it sends it. [Schema.Lint] finds what would make Kong
// refuse to start.
//
// # Struct tags
//
// Every exported field of the struct is a config field and has these tags:
//
//	json:"name"      the field's name, required
//	doc:"text"       its description, 10 to 500 bytes
//	default:"text"   its default; lists comma-separated, "[]" an empty list, "{}" an empty map
//	err:"text"       what a value that breaks a rule is told, such as "must be a header name"
//	kong:"..."       its rules, comma-separated:
//
//	required             must have a value; with a default: must not be null
//	oneof=a|b|c          one of these values
//	between=1:65535      a number in this range, both ends included
//	gt=0                 a number greater than this
//	lenmin=1, lenmax=8   length of a string in bytes, of a list or map in entries
//	type=number          number, integer or set where the Go type would say otherwise
//	format=name          a form that an option of Of knows, see [Format]
//	referenceable        may be a vault reference; the value is a secret
//	encrypted            the value is a secret
//	deprecated=new/4.0   replaced by the field new of the same record (dotted for below), gone with 4.0
//	match=PATTERN        a Lua pattern; last, because it takes the rest of the tag
//
// A rule for the entries of a list or for the keys or values of a map has the prefix
// "elements.", "keys." or "values.": elements.oneof=a|b. Strings are not empty unless
// lenmin=0 says so, as in Kong.
//
// # Types
//
// string, bool, the integers and floats; types that implement encoding.TextUnmarshaler
// (strings for Kong, one of a list if they implement [OneOf]); slices (arrays) and maps with string keys; structs (records). A
// struct field is a required record: Kong fills in its defaults even if the user wrote
// nothing. A pointer is an optional field without a default. Embedded structs are
// flattened. A field tagged kong:"-" is not part of the schema; Decode fills it from the
// JSON all the same, which is how a config learns its __plugin_id or route_id.
//
// # Limits
//
// Kong's functions (custom_validator, shorthand_fields, transformations) cannot be given
// by an external plugin. Checks that need code belong to [Custom] with a Go function, or
// to the plugin. No error text contains the value of a field that is a secret.
package schema
