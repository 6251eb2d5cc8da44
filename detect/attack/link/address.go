package link

import (
	"strings"

	"kongwaf/detect/attack/words"
)

// reach is where a host name or address leads.
type reach uint8

const (
	outside  reach = iota // the internet, as far as can be told
	private               // RFC 1918, RFC 4193, names that only resolve inside
	loopback              // 127/8, ::1, 0.0.0.0, localhost
	metadata              // the metadata service of a cloud
)

// hosts are names that lead inside.
var hosts = words.New(
	words.Group{Kind: uint32(loopback), Words: `localhost localhost.localdomain localtest.me lvh.me loopback ip6-localhost localhost6 localhost. vcap.me lacolhost.com yoogle.com 127-0-0-1.org.uk`},
	words.Group{Kind: uint32(metadata), Words: `metadata.google.internal metadata metadata.goog instance-data instance-data.ec2.internal metadata.azure.com metadata.internal metadata.tencentyun.com rancher-metadata metadata.packet.net`},
)

// ordinaryHost returns where the host ends that begins at i, if it is the whole authority and
// a name that leads outside beyond doubt; 0 if host has to be asked.
func ordinaryHost(text string, i int) int {
	end := i
	for end < len(text) && nameByte[text[end]] {
		end++
	}
	h := text[i:end]
	if n := len(h); n < 3 || n > 253 || digit(h[0]) || h[n-1] == '.' || insideTails.Has(h[n-3], h[n-2], h[n-1]) || hosts.Of(h) != 0 {
		return 0
	}
	if end < len(text) && strings.IndexByte("/?\"'<>,\n)`", text[end]) < 0 {
		return 0
	}
	return end
}

// nameByte has the bytes that host names are made of.
var nameByte = func() (t [256]bool) {
	for c := range t {
		t[c] = letter(byte(c)) || digit(byte(c)) || c == '-' || c == '.'
	}
	return t
}()

// insideTails is how the domains end in which names may lead inside.
var insideTails = words.Tails(words.Group{Words: ".svc .local .localhost " + strings.Join(resolvers[:], " ")})

// resolvers are the domains under which any address can be had.
var resolvers = [...]string{".nip.io", ".sslip.io", ".xip.io", ".1u.ms", ".rbndr.us", ".localdomain.pw", ".traefik.me", ".backname.io"}

// host tells where the host leads, and whether its notation is one that no person uses.
func host(h string) (r reach, disguised bool) {
	if len(h) > 253 || h == "" {
		return outside, false
	}
	if h[0] == '[' {
		return ipv6(h)
	}
	trimmed := strings.TrimRight(h, ".")
	if k := hosts.Of(trimmed); k != 0 {
		if k == 3 {
			k = uint32(metadata)
		}
		return reach(k), len(trimmed) != len(h) || words.HasPrefix(trimmed, "l") && !words.HasPrefix(trimmed, "localhost")
	}
	if last := trimmed[max(0, len(trimmed)-18):]; strings.HasSuffix(trimmed, ".svc") || last == ".svc.cluster.local" {
		return private, true // a name that only a Kubernetes cluster resolves
	}
	if last := trimmed[max(0, len(trimmed)-10):]; words.HasPrefix(last, ".localhost") {
		return loopback, false
	}
	if ip, parts, odd, ok := ipv4(trimmed); ok {
		return reachOf(ip), odd || parts != 4
	}
	return embedded(trimmed)
}

// reachOf tells where an IPv4 address leads.
func reachOf(ip uint32) reach {
	switch {
	case ip>>16 == 169<<8|254, ip == 100<<24|100<<16|100<<8|200, ip == 192<<24|192:
		return metadata
	case ip>>24 == 127 || ip>>24 == 0:
		return loopback
	case ip>>24 == 10 || ip>>20 == 172<<4|1 || ip>>16 == 192<<8|168 || ip>>22 == 100<<2|1:
		return private
	}
	return outside
}

// ipv4 parses an IPv4 address as inet_aton does: one to four parts, decimal, octal or
// hexadecimal, the last filling what is left.
func ipv4(s string) (ip uint32, parts int, odd, ok bool) {
	var part [4]uint64
	i := 0
	for {
		if parts == 4 || i >= len(s) {
			return 0, 0, false, false
		}
		base, n, digits := uint64(10), uint64(0), 0
		if s[i] == '0' && i+1 < len(s) && s[i+1]|0x20 == 'x' {
			base, odd = 16, true
			i += 2
		} else if s[i] == '0' && i+1 < len(s) && s[i+1] != '.' {
			base, odd = 8, true
		}
		for i < len(s) && s[i] != '.' {
			d := uint64(99)
			switch c := words.Lower(s[i]); {
			case '0' <= c && c <= '9':
				d = uint64(c - '0')
			case 'a' <= c && c <= 'f':
				d = uint64(c-'a') + 10
			}
			if d >= base || digits > 20 {
				return 0, 0, false, false
			}
			if n = n*base + d; n > 1<<40 {
				n &= 1<<40 - 1
			}
			digits++
			i++
		}
		if digits == 0 {
			return 0, 0, false, false
		}
		part[parts] = n
		parts++
		if i == len(s) {
			break
		}
		i++
	}
	for k := range parts - 1 {
		if part[k] > 255 {
			odd = true
		}
		ip |= uint32(part[k]&255) << (24 - 8*k)
	}
	ip |= uint32(part[parts-1]) & (1<<(32-8*(parts-1)) - 1)
	if parts == 1 && len(s) < 8 && s != "0" {
		return 0, 0, false, false // a plain number
	}
	return ip, parts, odd, true
}

// ipv6 tells where an address in brackets leads.
func ipv6(h string) (reach, bool) {
	end := strings.IndexByte(h, ']')
	if end < 0 {
		end = len(h)
	}
	a := h[1:end]
	if k := strings.IndexByte(a, '%'); k >= 0 {
		a = a[:k]
	}
	high, low, ok := groups(a)
	if !ok {
		return outside, false
	}
	switch {
	case high == 0 && low <= 1:
		return loopback, a != "::1"
	case high == 0 && low>>32 == 0, high == 0 && low>>32 == 0xffff, high == 0x64_ff9b<<32 && low>>32 == 0:
		// An IPv4 address, mapped (RFC 4291), compatible or translated (RFC 6052).
		r := reachOf(uint32(low))
		return r, r != outside
	case high>>32 == 0xfd00_0ec2:
		return metadata, false
	case high>>54 == 0xfe80>>6, high>>57 == 0xfc00>>9:
		return private, false
	}
	return outside, false
}

// groups parses an IPv6 address (RFC 4291, section 2.2) into its two halves.
func groups(a string) (high, low uint64, ok bool) {
	var group [8]uint16
	n, gap := 0, -1
	for i := 0; i < len(a); {
		if a[i] == ':' {
			if i+1 < len(a) && a[i+1] == ':' && gap < 0 {
				gap = n
				i += 2
				continue
			}
			if i == 0 || i+1 == len(a) {
				return 0, 0, false
			}
			i++
			continue
		}
		j, v := i, uint32(0)
		for j < len(a) && a[j] != ':' && a[j] != '.' {
			d := hexDigit(a[j])
			if d < 0 || j-i > 4 {
				return 0, 0, false
			}
			v = v<<4 | uint32(d)
			j++
		}
		if j < len(a) && a[j] == '.' { // the last two groups as an IPv4 address
			ip, parts, _, ok := ipv4(a[i:])
			if !ok || parts != 4 || n > 6 {
				return 0, 0, false
			}
			group[n], group[n+1] = uint16(ip>>16), uint16(ip)
			n += 2
			break
		}
		if n == len(group) {
			return 0, 0, false
		}
		group[n] = uint16(v)
		n++
		i = j
	}
	if gap < 0 && n != len(group) {
		return 0, 0, false
	}
	if gap >= 0 {
		copy(group[len(group)-(n-gap):], group[gap:n])
		for k := gap; k < len(group)-(n-gap); k++ {
			group[k] = 0
		}
	}
	for k := range 4 {
		high, low = high<<16|uint64(group[k]), low<<16|uint64(group[k+4])
	}
	return high, low, true
}

func hexDigit(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// embedded recognises names under which any address can be had: 127.0.0.1.nip.io,
// app-10-0-0-1.sslip.io.
func embedded(h string) (reach, bool) {
	known := false
	for _, s := range resolvers {
		if len(h) > len(s) && words.HasPrefix(h[len(h)-len(s):], s) {
			known = true
		}
	}
	if !known {
		return outside, false
	}
	for i := 0; i < len(h); i++ {
		if i > 0 && digit(h[i-1]) || !digit(h[i]) {
			continue
		}
		var ip uint32
		j, n := i, 0
		for n < 4 && j < len(h) && digit(h[j]) {
			v := uint32(0)
			for j < len(h) && digit(h[j]) && v < 256 {
				v = v*10 + uint32(h[j]-'0')
				j++
			}
			ip = ip<<8 | v&255
			n++
			if n < 4 && j < len(h) && (h[j] == '.' || h[j] == '-') {
				j++
			}
		}
		if n == 4 {
			return reachOf(ip), true
		}
	}
	return loopback, true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
