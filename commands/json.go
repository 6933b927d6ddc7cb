package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// outputJSON and outputTable are the two forms of a result.
const (
	outputJSON  = "json"
	outputTable = "table"
)

// writeObject writes CloudHSM's one object, indented by two spaces.
func writeObject(out *sink, code int, data any) error {
	body, err := encode(object{{"error_code", code}, {"data", data}}, "")
	if err != nil {
		return err
	}
	_, _ = out.Write(append(body, '\n'))
	return nil
}

// printJSON prints a result, an error, or both: then the data says what was
// done and carries the error as "message".
func printJSON(out *sink, r *Result, err error) error {
	switch {
	case r.List != nil && err == nil:
		return streamJSON(out, r.List)
	case err == nil:
		return writeObject(out, 0, r.Data)
	case r.Data == nil:
		return firstOf(err, writeObject(out, exitCode(err), plain(err.Error())))
	}
	data, bad := withMessage(r.Data, plain(err.Error()))
	if bad != nil {
		return bad
	}
	return firstOf(err, writeObject(out, exitCode(err), data))
}

// withMessage puts the message in front of the data's own members.
func withMessage(data any, message string) (any, error) {
	body, err := encode(data, "")
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(body, []byte("{")) {
		return object{{"message", message}, {"result", data}}, nil
	}
	text, err := encode(message, "")
	if err != nil {
		return nil, err
	}
	rest := bytes.TrimLeft(body[1:], " \n")
	if len(rest) > 1 {
		text = append(text, ',')
	}
	return json.RawMessage(append(append([]byte(`{"message":`), text...), rest...)), nil
}

// encode indents, and escapes what must not reach a terminal; < and > stay.
func encode(value any, prefix string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, "  ")
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("commands: failed to encode the result: %w", err)
	}
	return plainJSON(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// object is an object whose members keep their order.
type object []member

// MarshalJSON writes the members in the order given.
func (m object) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			buf.WriteByte(',')
		}
		name, err := encode(e.name, "")
		if err != nil {
			return nil, err
		}
		value, err := encode(e.value, "")
		if err != nil {
			return nil, err
		}
		buf.Write(append(append(name, ':'), value...))
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}
