package relay

import (
	"encoding/json"
	"strings"

	"google.golang.org/grpc/encoding"

	"github.com/serin-mesh/serin/api"
)

// codecName is the content subtype of the messages.
const codecName = "serin-relay"

func init() { encoding.RegisterCodec(codec{}) }

// codec has messages as JSON: they are few, but for reports of failures, and small,
// but for the first target.
type codec struct{}

func (codec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (codec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
func (codec) Name() string                       { return codecName }

// parseKey reads what api.Key.String gives.
func parseKey(text string) (api.Key, bool) {
	namespace, name, ok := strings.Cut(text, "/")
	return api.Key{Namespace: namespace, Name: name}, ok && name != ""
}
