package check

import (
	"kongwaf/detect/address"
	"kongwaf/kong/schema"
)

// Address is the form of an entry of a list of addresses. Kong's patterns know how long the parts of
// an address and of a prefix may be; whether they make sense is for detect/address to say.
func Address() schema.Format {
	const (
		v4 = `^[0-2]?%d?%d%.[0-2]?%d?%d%.[0-2]?%d?%d%.[0-2]?%d?%d`
		v6 = `^[%x:]*:[%x:]*:[%x:.]*`
	)
	return schema.Format{
		Name: "address",
		Patterns: []string{
			v4 + "$", v4 + "/%d$", v4 + "/[12]%d$", v4 + "/3[0-2]$",
			v6 + "$", v6 + "/%d$", v6 + "/%d%d$", v6 + "/1[01]%d$", v6 + "/12[0-8]$",
		},
		Err: "must be an address such as 198.51.100.7 or 2001:db8::1, or a CIDR range such as 10.0.0.0/8",
		Check: func(entry string) error {
			_, err := address.Parse(entry)
			return err
		},
	}
}
