package schema_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/schema"
)

// TestOf shows the schema of each form of Go type.
func TestOf(t *testing.T) {
	type inner struct {
		Deep bool `json:"deep"`
	}
	type all struct {
		inner
		Text    *string             `json:"text,omitempty"`
		Whole   uint8               `json:"whole"`
		Part    float32             `json:"part"`
		Words   map[string][]string `json:"words"`
		Any     any                 `json:"any"`
		Named   int
		Left    int `json:"-"`
		Raw     json.RawMessage
		Opaque  json.Number     `json:"opaque"`
		Decimal api.Decimal     `json:"decimal"`
		Own     api.Key         `json:"own"`
		Mode    []api.GuardMode `json:"mode"`
	}
	raw, err := json.Marshal(schema.Of(reflect.TypeFor[*all]()))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"additionalProperties":false,"properties":{"Named":{"type":"integer"},"Raw":{},"any":{},` +
		`"decimal":{"type":"number"},"deep":{"type":"boolean"},"mode":{"items":{"enum":["enforce","observe","off"],"type":"string"},"type":"array"},` +
		`"opaque":{"type":"string"},"own":{"additionalProperties":false,"properties":{"Name":{"type":"string"},"Namespace":{"type":"string"}},"type":"object"},` +
		`"part":{"type":"number"},"text":{"type":"string"},"whole":{"type":"integer"},` +
		`"words":{"additionalProperties":{"items":{"type":"string"},"type":"array"},"type":"object"}},"type":"object"}`
	if string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
}
