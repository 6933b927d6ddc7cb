package hsmfile

import "testing"

// TestManifestSizes: no hash or id of a manifest may be of another size, also
// where another field has the same value.
func TestManifestSizes(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	whole, _ := f.backup(f.login("robot"))
	must[*Manifest](t)(ParseManifest(whole.Encode()))
	fields := func(m *Manifest) []*string {
		return []*string{&m.ImageID, &m.Fingerprint, &m.HeadHash, &m.ContentHash, &m.SHA256, &m.Signer.UserID, &m.Signer.PublicKey, &m.Signature}
	}
	for i := range fields(whole) {
		for j := range fields(whole) {
			m := *whole
			to, from := fields(&m)[i], fields(&m)[j]
			if len(*to) == len(*from) {
				continue
			}
			*to = *from
			_, err := ParseManifest(m.Encode())
			f.wants(err, ErrIntegrity, "in the place of "+*fields(whole)[i]+", "+*from)
		}
	}
}
