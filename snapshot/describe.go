package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
)

// Describe gives the content of a resource as JSON for people: every message
// that is packed in it unpacked, with its type under "@type", and the fields of
// each object sorted by name. Equal resources give equal text. The fields have
// the names of Envoy's proto files, so the text can be pasted into a static
// configuration. An error means that the Body is not one of this package.
func Describe(r *Resource) (json.RawMessage, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r.Body)
	if err != nil {
		return nil, fmt.Errorf("describing %s %q: %w", r.Type, r.Name, err)
	}
	sorted, err := sortFields(text)
	if err != nil {
		return nil, fmt.Errorf("describing %s %q: %w", r.Type, r.Name, err)
	}
	return sorted, nil
}

// sortFields writes JSON anew with sorted fields: what protojson gives varies in
// its spaces from build to build, on purpose.
func sortFields(text []byte) ([]byte, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // as written: a float64 would change large numbers
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
