// Package secret holds bytes that do not print: passwords, key material and
// the keys derived from them.
//
// Every way in which Go turns a value into text shows a fixed word instead of
// the content, so a secret that strays into an error or a log line stays one.
// Raw access has one name, Reveal, so that a review is a search for it.
package secret

import "fmt"

const shown = "[secret]"

// Bytes is a secret byte string. The zero value is an empty secret.
type Bytes struct{ b []byte }

// New takes ownership of b: the caller must neither keep nor change it.
func New(b []byte) *Bytes { return &Bytes{b: b} }

// Reveal returns the secret itself, not a copy. The caller must not keep it
// longer than the Bytes it came from.
func (s *Bytes) Reveal() []byte {
	if s == nil {
		return nil
	}
	return s.b
}

// Len is the number of secret bytes.
func (s *Bytes) Len() int { return len(s.Reveal()) }

// Wipe overwrites the secret. Best effort: the garbage collector and the
// libraries that the bytes passed through may have made copies.
func (s *Bytes) Wipe() {
	if s == nil {
		return
	}
	clear(s.b)
	s.b = nil
}

// String, GoString, Format and the marshallers show a placeholder.
func (s *Bytes) String() string { return shown }

// GoString hides the secret from %#v.
func (s *Bytes) GoString() string { return shown }

// Format hides the secret from every fmt verb, %x and %s included.
func (s *Bytes) Format(f fmt.State, _ rune) { fmt.Fprint(f, shown) }

// MarshalText hides the secret from encoders, JSON and TOML among them.
func (s *Bytes) MarshalText() ([]byte, error) { return []byte(shown), nil }

// MarshalBinary refuses: a secret is never encoded by accident.
func (s *Bytes) MarshalBinary() ([]byte, error) {
	return nil, fmt.Errorf("secret: refusing to encode secret bytes")
}
