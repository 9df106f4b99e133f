package main

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/api"
)

// special are the types whose JSON is not what their Go form says, and those
// that are one of a few words.
var special = map[reflect.Type]map[string]any{
	reflect.TypeFor[api.Decimal]():        {"type": "number"},
	reflect.TypeFor[api.Duration]():       {"type": []string{"string", "integer"}, "pattern": `^([0-9]+|([0-9]*\.?[0-9]+(ns|us|µs|μs|ms|s|m|h))+)$`},
	reflect.TypeFor[intstr.IntOrString](): {"type": []string{"string", "integer"}},
	reflect.TypeFor[metav1.Time]():        {"type": []string{"string", "null"}, "format": "date-time"},
	reflect.TypeFor[json.RawMessage]():    {},
	reflect.TypeFor[api.GuardMode]():      {"enum": []api.GuardMode{api.GuardEnforce, api.GuardObserve, api.GuardOff}},
	reflect.TypeFor[api.OnHarm]():         {"enum": []api.OnHarm{api.OnHarmAbort, api.OnHarmPause}},
	reflect.TypeFor[api.OnTimeout]():      {"enum": []api.OnTimeout{api.OnTimeoutPause, api.OnTimeoutContinue, api.OnTimeoutAbort}},
	reflect.TypeFor[api.ReleaseOrder]():   {"enum": []api.ReleaseOrder{api.ReleaseSequential, api.ReleaseParallel}},
	reflect.TypeFor[api.ReleaseAbort]():   {"enum": []api.ReleaseAbort{api.ReleaseRollBack, api.ReleaseKeep}},
	reflect.TypeFor[api.EnvoyMeasure](): {"enum": []api.EnvoyMeasure{api.EnvoyErrorRatio, api.EnvoyRequestRate, api.EnvoyLatencyQuantile,
		api.EnvoyOverflow, api.EnvoyConnections}},
}

// bounds is what else is known of a struct.
var bounds = map[reflect.Type]map[string]any{
	reflect.TypeFor[api.CanaryStep](): {"minProperties": 1},
}

// readsItself are the interfaces of types that read their own JSON: what they
// take cannot be seen.
var readsItself = []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}

// schemaOf gives the JSON Schema of a Go type, by the rules of encoding/json.
// What the decoder refuses by its form, a field that it does not know included,
// the schema refuses too. null, which the decoder takes for absent, is refused:
// nobody means it. No type that is described holds itself.
func schemaOf(t reflect.Type) map[string]any {
	if s, ok := special[t]; ok {
		return maps.Clone(s)
	}
	if t.Kind() == reflect.Pointer {
		return schemaOf(t.Elem())
	}
	for _, i := range readsItself {
		if reflect.PointerTo(t).Implements(i) {
			return map[string]any{}
		}
	}
	switch t.Kind() {
	case reflect.Struct:
		fields := map[string]any{}
		structSchema(t, fields)
		s := map[string]any{"type": "object", "properties": fields, "additionalProperties": false}
		maps.Copy(s, bounds[t])
		return s
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	}
	return map[string]any{"type": "integer"}
}

// structSchema gathers the fields of a struct, those of embedded structs without
// a name included.
func structSchema(t reflect.Type, into map[string]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case name == "" && f.Anonymous:
			structSchema(f.Type, into)
		case name == "":
			into[f.Name] = schemaOf(f.Type)
		default:
			into[name] = schemaOf(f.Type)
		}
	}
}
