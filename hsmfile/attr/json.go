package attr

import (
	"bytes"
	"encoding/json"
)

// MarshalJSON writes the attributes object of CloudHSM's key object: its
// order, its names, and only what this sort of key has.
func (s *Set) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	sort, _ := sortOf(s.Class, s.KeyType)
	open := byte('{')
	for i := range table {
		r := &table[i]
		if r.has&sort == 0 {
			continue
		}
		out.WriteByte(open)
		open = ','
		value, err := s.jsonValue(r)
		if err != nil {
			return nil, err
		}
		out.WriteString(`"` + string(r.Name) + `":`)
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// jsonValue: flags and lengths are themselves, the rest is a string. The
// exponent is a number that CloudHSM prints as bytes.
func (s *Set) jsonValue(r *Row) ([]byte, error) {
	text := s.text(r)
	if r.Kind == Flag || r.Kind == Int && r.Name != PublicExponent {
		return []byte(text), nil
	}
	return plainString(text)
}

// plainString leaves <, > and & alone: whoever prints the whole decides.
func plainString(text string) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(text)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
