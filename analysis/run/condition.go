package run

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/serin-mesh/serin/api"
)

// Evaluate says what a value means to a metric: Successful, Failed or
// Inconclusive. A failureCondition that holds wins. With a successCondition
// alone its opposite is a failure, with a failureCondition alone a success;
// where both are there and neither holds it is Inconclusive, and where there is
// none Successful. An error is that a condition does not give a bool.
//
// Other than in Argo no data is Inconclusive: an empty result, whatever a
// condition makes of it, and NaN where there is only a failureCondition and it
// does not hold. Conditions that ask for it (isNil, default, len, nil or ??; for
// NaN isNaN) are taken at their word, and so is `compat: argo`.
func Evaluate(metric api.Metric, value any) (api.AnalysisPhase, error) {
	phase, _, err := evaluate(metric, value, "")
	return phase, err
}

// evaluate is Evaluate, with a message where it says more than the one given.
func evaluate(metric api.Metric, value any, message string) (api.AnalysisPhase, string, error) {
	success, err := holds("successCondition", metric.SuccessCondition, value)
	failure := false
	if err == nil {
		failure, err = holds("failureCondition", metric.FailureCondition, value)
	}
	if noData(metric, value, err) {
		return api.AnalysisInconclusive, "no data", nil
	}
	if err != nil {
		return api.AnalysisError, message, err
	}
	withSuccess, withFailure := metric.SuccessCondition != "", metric.FailureCondition != ""
	switch {
	case failure, withSuccess && !withFailure && !success:
		return api.AnalysisFailed, message, nil
	case success, !withSuccess && !withFailure:
		return api.AnalysisSuccessful, message, nil
	case withSuccess:
		return api.AnalysisInconclusive, message, nil
	case metric.Compat != api.CompatArgo && hasNaN(value) && !asks(metric.FailureCondition, "isNaN"):
		return api.AnalysisInconclusive, "no data: the value is NaN", nil
	}
	return api.AnalysisSuccessful, message, nil
}

// noData says whether the conditions have nothing to go by: they do not ask for
// an empty value, or cannot bear it.
func noData(metric api.Metric, value any, err error) bool {
	conditions := []string{metric.SuccessCondition, metric.FailureCondition}
	if metric.Compat == api.CompatArgo || !empty(value) || conditions[0]+conditions[1] == "" {
		return false
	}
	asked := false
	for _, c := range conditions {
		if c != "" && api.CheckCondition(c) != nil {
			return false // of no use with any value
		}
		asked = asked || asks(c, "isNil", "default", "len", "nil", "??")
	}
	return err != nil || !asked
}

// holds says whether a condition is there and true.
func holds(name, condition string, value any) (bool, error) {
	if condition == "" {
		return false, nil
	}
	is, err := isTrue(condition, value)
	if err != nil {
		return false, fmt.Errorf("evaluating %s %q: %w", name, condition, err)
	}
	return is, nil
}

// isTrue evaluates a condition, whatever it is.
func isTrue(condition string, value any) (is bool, err error) {
	// Conditions come from anywhere: a panic of the library is an error of the
	// condition as far as the run can tell.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	program, err := expr.Compile(condition, expr.Env(environment{}))
	if err != nil {
		return false, short(err)
	}
	out, err := expr.Run(program, newEnvironment(value))
	if err != nil {
		return false, short(err)
	}
	is, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("it gives %T, not a bool", out)
	}
	return is, nil
}

// short leaves the library's excerpt of the condition out of an error.
func short(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return errors.New(at.Message)
	}
	return err
}

// asks says whether a condition has one of the words given: functions that it
// calls, operators, and nil.
func asks(condition string, words ...string) bool {
	tree, err := parser.Parse(condition)
	if err != nil {
		return false
	}
	v := &search{words: words}
	ast.Walk(&tree.Node, v)
	return v.found
}

// search looks for words in a condition.
type search struct {
	words []string
	found bool
}

// Visit looks at one node. Source: ast.Visitor.
func (s *search) Visit(node *ast.Node) {
	word := ""
	switch n := (*node).(type) {
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			word = callee.Value
		}
	case *ast.BuiltinNode:
		word = n.Name
	case *ast.BinaryNode:
		word = n.Operator
	case *ast.NilNode:
		word = "nil"
	}
	s.found = s.found || slices.Contains(s.words, word)
}

// empty says whether a value is no data.
func empty(value any) bool {
	if isNil(value) {
		return true
	}
	v := reflect.ValueOf(value)
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) && v.Len() == 0
}

// hasNaN says whether a value is NaN, or has one among others.
func hasNaN(value any) bool {
	switch v := value.(type) {
	case float64:
		return math.IsNaN(v)
	case []float64:
		for _, f := range v {
			if math.IsNaN(f) {
				return true
			}
		}
	}
	return false
}
