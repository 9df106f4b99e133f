package api

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
)

// conditionEnv is what a condition may name, as far as types go. Argo's
// conditions know the same names.
type conditionEnv struct {
	Result  any                `expr:"result"`
	AsInt   func(any) int64    `expr:"asInt"`
	AsFloat func(any) float64  `expr:"asFloat"`
	IsNaN   func(float64) bool `expr:"isNaN"`
	IsInf   func(float64) bool `expr:"isInf"`
	IsNil   func(any) bool     `expr:"isNil"`
	Default func(any, any) any `expr:"default"`
}

// CheckCondition says why a successCondition or failureCondition cannot be: it
// does not compile, or gives something else than a bool. It knows nothing of
// the result's type, so a condition that passes may still fail on a result.
func CheckCondition(condition string) (err error) {
	// The compiler is run on text from anywhere; a panic in it is an error of
	// the text as far as the user can tell.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("compiling the condition: %v", r)
		}
	}()
	_, err = expr.Compile(condition, expr.Env(conditionEnv{}), expr.AsBool())
	var at *file.Error
	if errors.As(err, &at) {
		return errors.New(at.Message) // without the excerpt, which takes lines
	}
	return err
}

// placeholders gives the names between {{ and }} in a text, in their order.
func placeholders(text string) []string {
	var names []string
	for {
		_, rest, ok := strings.Cut(text, "{{")
		if !ok {
			return names
		}
		name, after, ok := strings.Cut(rest, "}}")
		if !ok {
			return names // Argo leaves an open bracket as it is
		}
		names, text = append(names, strings.TrimSpace(name)), after
	}
}

// fillIn replaces {{NAME}} by values; false where a value is missing.
func fillIn(text string, values map[string]string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{{")
		name, after, closed := strings.Cut(rest, "}}")
		if !ok || !closed {
			b.WriteString(text)
			return b.String(), true
		}
		value, known := values[strings.TrimSpace(name)]
		if !known {
			return "", false
		}
		b.WriteString(before + value)
		text = after
	}
}
