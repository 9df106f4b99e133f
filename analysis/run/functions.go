package run

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// environment is what a condition may name: the result, and Argo's functions.
// Other than Argo's, isNil and default look at their argument and not always at
// the whole result. The result may be of any type until it is looked at, so that
// `isNil(result) || result > 5` can be asked of nothing too.
type environment struct {
	Result  any                        `expr:"result"`
	AsInt   func(any) (int64, error)   `expr:"asInt"`
	AsFloat func(any) (float64, error) `expr:"asFloat"`
	IsNaN   func(float64) bool         `expr:"isNaN"`
	IsInf   func(float64) bool         `expr:"isInf"`
	IsNil   func(any) bool             `expr:"isNil"`
	Default func(any, any) any         `expr:"default"`
}

// newEnvironment gives the environment for a result.
func newEnvironment(value any) environment {
	if isNil(value) {
		value = nil
	}
	return environment{
		Result:  value,
		AsInt:   asInt,
		AsFloat: asFloat,
		IsNaN:   math.IsNaN,
		IsInf:   func(f float64) bool { return math.IsInf(f, 0) },
		IsNil:   isNil,
		Default: orElse,
	}
}

// asInt makes a whole number of a number, cut off, or of a text.
func asInt(in any) (int64, error) {
	if text, ok := in.(string); ok {
		return strconv.ParseInt(text, 10, 64)
	}
	switch v := reflect.ValueOf(in); {
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint():
		return int64(v.Uint()), nil
	case v.CanFloat():
		return int64(v.Float()), nil
	}
	return 0, fmt.Errorf("asInt: %T is no number", in)
}

// asFloat makes a number of a number or of a text.
func asFloat(in any) (float64, error) {
	if text, ok := in.(string); ok {
		return strconv.ParseFloat(text, 64)
	}
	switch v := reflect.ValueOf(in); {
	case v.CanInt():
		return float64(v.Int()), nil
	case v.CanUint():
		return float64(v.Uint()), nil
	case v.CanFloat():
		return v.Float(), nil
	}
	return 0, fmt.Errorf("asFloat: %T is no number", in)
}

// orElse gives a value, or another in place of nothing.
func orElse(value, other any) any {
	if isNil(value) {
		return other
	}
	return value
}

// isNil says whether a value is nothing, of whatever type.
func isNil(value any) bool {
	if value == nil {
		return true
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Slice, reflect.Func, reflect.Interface:
		return v.IsNil()
	}
	return false
}
