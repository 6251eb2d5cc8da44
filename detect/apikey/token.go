package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math/big"
	"strings"
)

// A key that Generate makes: a prefix that names the issuer, random digits, and a checksum of
// both, all in base 62. So a secret scanner tells such a key from other text offline, and a
// mistyped key is told from a revoked one.
const (
	Prefix         = "kw_"
	randomDigits   = 30 // 178 bits
	checksumDigits = 6
	digits         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Pattern is a regular expression for secret scanners.
const Pattern = `\bkw_[0-9A-Za-z]{36}\b`

// Generate returns a new random key.
func Generate() (string, error) {
	var b strings.Builder
	b.WriteString(Prefix)
	base := big.NewInt(int64(len(digits)))
	for range randomDigits {
		n, err := rand.Int(rand.Reader, base)
		if err != nil {
			return "", err
		}
		b.WriteByte(digits[n.Int64()])
	}
	body := b.String()
	return body + checksum(body), nil
}

// CheckFormat says what is wrong with the form of a key that Generate should have made. The
// error does not repeat the key. A key in good form need not be known to anybody.
func CheckFormat(key string) error {
	body, ok := strings.CutPrefix(key, Prefix)
	switch {
	case !ok:
		return errors.New("does not begin with " + Prefix + ": not a key of kong-waf keys new")
	case len(body) != randomDigits+checksumDigits:
		return errors.New("is too short or too long: a part is missing, or something was added")
	case strings.Trim(body, digits) != "":
		return errors.New("has characters other than letters and digits")
	}
	end := len(key) - checksumDigits
	if checksum(key[:end]) != key[end:] {
		return errors.New("has a wrong checksum: it was mistyped, or made by hand")
	}
	return nil
}

// checksum is the CRC-32 (IEEE) of the text in base 62, padded to six digits.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [checksumDigits]byte
	for i := checksumDigits - 1; i >= 0; i-- {
		out[i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
	return string(out[:])
}

// SHA256 returns the hash of a key as credentials have it in key_sha256.
func SHA256(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
