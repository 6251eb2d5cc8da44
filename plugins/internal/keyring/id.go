package keyring

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"kongwaf/detect/apikey"
)

// id returns what names a credential to the upstream, in events and in metrics. One that is not
// configured is made from the hash of the key's hash, so that it stays the same and gives
// nothing away that the hash would not.
func id(c *apikey.Credential) string {
	if c.Entry.ID != "" {
		return c.Entry.ID
	}
	hash, err := hex.DecodeString(c.KeySHA256)
	if c.Key != "" || err != nil {
		sum := sha256.Sum256([]byte(c.Key))
		hash = sum[:]
	}
	id := sha256.Sum256(append([]byte("kong-waf credential "), hash...))
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
