// Package schema describes the JSON of Go types: for editors as JSON Schema, and
// for a Kubernetes API server in that form of OpenAPI which its
// CustomResourceDefinitions want (package crd).
package schema

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

// Schema is a description as its JSON has it.
type Schema = map[string]any

// special are the types whose JSON is not what their Go form says, and those
// that are one of a few words.
var special = map[reflect.Type]Schema{
	reflect.TypeFor[api.Decimal]():        {"type": "number"},
	reflect.TypeFor[api.Duration]():       {"type": []string{"string", "integer"}, "pattern": DurationPattern},
	reflect.TypeFor[intstr.IntOrString](): {"type": []string{"string", "integer"}},
	reflect.TypeFor[metav1.Time]():        {"type": []string{"string", "null"}, "format": "date-time"},
	reflect.TypeFor[json.RawMessage]():    {},
	reflect.TypeFor[api.GuardMode]():      words(api.GuardEnforce, api.GuardObserve, api.GuardOff),
	reflect.TypeFor[api.OnHarm]():         words(api.OnHarmAbort, api.OnHarmPause),
	reflect.TypeFor[api.OnTimeout]():      words(api.OnTimeoutPause, api.OnTimeoutContinue, api.OnTimeoutAbort),
	reflect.TypeFor[api.ReleaseOrder]():   words(api.ReleaseSequential, api.ReleaseParallel),
	reflect.TypeFor[api.ReleaseAbort]():   words(api.ReleaseRollBack, api.ReleaseKeep),
	reflect.TypeFor[api.EnvoyMeasure](): words(api.EnvoyErrorRatio, api.EnvoyRequestRate, api.EnvoyLatencyQuantile,
		api.EnvoyOverflow, api.EnvoyConnections),
}

// DurationPattern is what the text of an api.Duration matches.
const DurationPattern = `^([0-9]+|([0-9]*\.?[0-9]+(ns|us|µs|μs|ms|s|m|h))+)$`

// words describes a type that is one of a few words.
func words[W ~string](all ...W) Schema { return Schema{"type": "string", "enum": all} }

// bounds is what else is known of a struct.
var bounds = map[reflect.Type]Schema{
	reflect.TypeFor[api.CanaryStep](): {"minProperties": 1},
}

// readsItself are the interfaces of types that read their own JSON: what they
// take cannot be seen.
var readsItself = []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}

// Form says how types are described. The zero value gives JSON Schema.
type Form struct {
	// Special describes types otherwise than they would be; a Schema is copied.
	Special map[reflect.Type]Schema
	// Open leaves out that an object has no other fields than those described.
	Open bool
	// Field, unless nil, may change the schema of each field of a struct; what
	// it gives is used.
	Field func(owner reflect.Type, f reflect.StructField, s Schema) Schema
	// Struct, unless nil, may change the schema of each struct.
	Struct func(t reflect.Type, s Schema)
}

// Of gives the JSON Schema of a Go type, by the rules of encoding/json. What the
// decoder refuses by its form, a field that it does not know included, the schema
// refuses too. null, which the decoder takes for absent, is refused: nobody means
// it. No type that is described holds itself.
func Of(t reflect.Type) Schema { return (&Form{}).Of(t) }

// Of describes a Go type.
func (f *Form) Of(t reflect.Type) Schema {
	for _, known := range []map[reflect.Type]Schema{f.Special, special} {
		if s, ok := known[t]; ok {
			return maps.Clone(s)
		}
	}
	if t.Kind() == reflect.Pointer {
		return f.Of(t.Elem())
	}
	for _, i := range readsItself {
		if reflect.PointerTo(t).Implements(i) {
			return Schema{}
		}
	}
	switch t.Kind() {
	case reflect.Struct:
		return f.object(t)
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": f.Of(t.Elem())}
	case reflect.Slice:
		return Schema{"type": "array", "items": f.Of(t.Elem())}
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return Schema{"type": "number"}
	case reflect.Interface:
		return Schema{}
	}
	return Schema{"type": "integer"}
}

// object describes a struct.
func (f *Form) object(t reflect.Type) Schema {
	fields := Schema{}
	f.fields(t, fields)
	s := Schema{"type": "object", "properties": fields}
	if !f.Open {
		s["additionalProperties"] = false
	}
	maps.Copy(s, bounds[t])
	if f.Struct != nil {
		f.Struct(t, s)
	}
	return s
}

// fields gathers the fields of a struct, those of embedded structs without a name
// included.
func (f *Form) fields(t reflect.Type, into Schema) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case name == "" && field.Anonymous:
			f.fields(field.Type, into)
			continue
		case name == "":
			name = field.Name
		}
		s := f.Of(field.Type)
		if f.Field != nil {
			s = f.Field(t, field, s)
		}
		into[name] = s
	}
}
