package crd

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/schema"
)

// special are the types that a structural schema describes in words of its own.
var special = map[reflect.Type]schema.Schema{
	reflect.TypeFor[api.Duration]():       {"x-kubernetes-int-or-string": true, "pattern": schema.DurationPattern},
	reflect.TypeFor[intstr.IntOrString](): {"x-kubernetes-int-or-string": true},
	reflect.TypeFor[metav1.Time]():        {"type": "string", "format": "date-time"},
	reflect.TypeFor[time.Time]():          {"type": "string", "format": "date-time"},
	// What Serin does not read is kept as it is.
	reflect.TypeFor[json.RawMessage](): {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
	reflect.TypeFor[metav1.ObjectMeta](): {
		"type": "object", "x-kubernetes-preserve-unknown-fields": true,
		"properties": schema.Schema{"labels": texts(), "annotations": texts()},
	},
	reflect.TypeFor[int32](): {"type": "integer", "format": "int32"},
	reflect.TypeFor[int64](): {"type": "integer", "format": "int64"},
}

// texts describes a map of texts.
func texts() schema.Schema {
	return schema.Schema{"type": "object", "additionalProperties": schema.Schema{"type": "string"}}
}

// form gives the form of structural schemas.
func form(comments Comments) *schema.Form {
	return &schema.Form{
		Special: special,
		Open:    true,
		Field: func(owner reflect.Type, f reflect.StructField, s schema.Schema) schema.Schema {
			key := owner.Name() + "." + f.Name
			if slices.Contains(anything, key) {
				s = schema.Schema{"x-kubernetes-preserve-unknown-fields": true}
			}
			if text := describe(comments, owner, f); text != "" {
				s["description"] = text
			}
			if writesNull(f) {
				s["nullable"] = true
			}
			maps.Copy(s, bounds[key])
			return s
		},
		Struct: func(t reflect.Type, s schema.Schema) {
			if names := required[t]; len(names) > 0 {
				s["required"] = names
			}
			if r := rules[t]; len(r) > 0 {
				var all []any
				for _, rule := range r {
					all = append(all, schema.Schema{"rule": rule[0], "message": rule[1]})
				}
				s["x-kubernetes-validations"] = all
			}
		},
	}
}

// apiPath is the import path of the types whose comments describe their fields.
var apiPath = reflect.TypeFor[api.Rollout]().PkgPath()

// describe gives the comment of a field, or else that of its type.
func describe(comments Comments, owner reflect.Type, f reflect.StructField) string {
	if owner.PkgPath() != apiPath {
		return ""
	}
	if text := comments[owner.Name()+"."+f.Name]; text != "" {
		return text
	}
	t := f.Type
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.PkgPath() != apiPath {
		return ""
	}
	return comments[t.Name()]
}

// anything are the fields that hold any JSON, not objects only.
var anything = []string{"WebMetric.JSONBody"}

// writesNull reports whether encoding/json writes null for the zero value of a
// field.
func writesNull(f reflect.StructField) bool {
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero") {
		return false
	}
	switch f.Type.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return true
	}
	return f.Type == reflect.TypeFor[metav1.Time]()
}
