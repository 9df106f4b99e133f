package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing wrong, or worth a look, in the user's files.
type Finding struct {
	File         string
	Line, Column int    // from 1, in characters; 0: the file as a whole
	Code         Code   // what it is about, stable over versions
	Path         string // of the field, such as spec.strategy.canary.steps[2].setWeight
	Message      string // what is wrong and what to do about it

	// Kind and Key name the object that the finding is in, where one is known.
	Kind string
	Key  Key
	// Service is the Service concerned, its zero value where there is none.
	Service Key
}

// IsError reports whether the finding refuses the whole change; otherwise it is
// a warning.
func (f Finding) IsError() bool { return strings.HasPrefix(string(f.Code), "E") }

// String gives FILE:LINE:COL: CODE and what is wrong.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	fmt.Fprintf(&b, ": %s ", f.Code)
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Touches reports whether the finding concerns the Rollout: it is in it, or
// about a Service that it divides.
func (f Finding) Touches(r *Rollout) bool {
	if f.Kind == kindRollout && f.Key == r.Key() {
		return true
	}
	if f.Service == (Key{}) {
		return false
	}
	canary, ok := r.CanaryService()
	return f.Service == r.StableService() || ok && f.Service == canary
}

// HasErrors reports whether one of the findings is an error.
func HasErrors(findings []Finding) bool { return slices.ContainsFunc(findings, Finding.IsError) }

// SortFindings orders findings by file, line, column, code and text.
func SortFindings(findings []Finding) {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
}

// Code names a sort of finding. One that begins with E is an error, one with W
// a warning. Codes keep their meaning over versions.
type Code string

// The codes. Hundreds group them: 1 text and fields, 2 Rollouts, 3 routing and
// endpoints, 4 between objects.
const (
	CodeUnreadable     Code = "E100"
	CodeSyntax         Code = "E101"
	CodeUnknownField   Code = "E102"
	CodeDuplicateKey   Code = "E103"
	CodeWrongType      Code = "E104"
	CodeNoKind         Code = "E105"
	CodeUnknownKind    Code = "E106"
	CodeBadName        Code = "E107"
	CodeTooLarge       Code = "E108"
	CodeMissing        Code = "E109"
	CodeUnusedKind     Code = "W111"
	CodeForeignKind    Code = "W112"
	CodeNoCanary       Code = "E201"
	CodeBlueGreen      Code = "E202"
	CodeNoTemplate     Code = "E203"
	CodeStepKinds      Code = "E204"
	CodeWeight         Code = "E205"
	CodePause          Code = "E206"
	CodeStepNotRun     Code = "E207"
	CodePluginStep     Code = "E208"
	CodeGuard          Code = "E209"
	CodeAnalysisNotRun Code = "E210"
	CodeVersionLabel   Code = "E211"
	CodeManagedRoute   Code = "E212"
	CodeStringMatch    Code = "E213"
	CodeProvider       Code = "W221"
	CodeNoEffect       Code = "W222"
	CodeNeverMatches   Code = "W223"
	CodeValue          Code = "E301"
	CodeRegex          Code = "E302"
	CodeHostname       Code = "E303"
	CodePort           Code = "E304"
	CodeAddress        Code = "E305"
	CodeNotRun         Code = "E306"
	CodeIgnored        Code = "W321"
	CodeTwice          Code = "E401"
	CodeSharedService  Code = "E402"
	CodeNoService      Code = "E403"
	CodeNoPort         Code = "E404"
	CodeProtocols      Code = "E405"
	CodeRolloutService Code = "W421"
	CodeRolloutSlices  Code = "W422"
	CodeRolloutRoute   Code = "W423"
	CodeNoVersion      Code = "W424"
	CodeNoGateway      Code = "W425"
	CodeSliceService   Code = "W426"
	CodeSameVersion    Code = "W427"
)

// Codes says of each code what it means.
var Codes = map[Code]string{
	CodeUnreadable:     "a file or the folder cannot be read",
	CodeSyntax:         "the text is neither YAML nor JSON",
	CodeUnknownField:   "a field that the kind does not have",
	CodeDuplicateKey:   "a field that is written twice",
	CodeWrongType:      "a value of another type than the field's",
	CodeNoKind:         "a document that is no object with apiVersion and kind",
	CodeUnknownKind:    "a kind or version that Serin does not know",
	CodeBadName:        "a name that Kubernetes would refuse",
	CodeTooLarge:       "a document that is too large or nested too deeply",
	CodeMissing:        "a required field is missing",
	CodeUnusedKind:     "a kind that is read but not used by this version",
	CodeForeignKind:    "a kind of another project, left alone",
	CodeNoCanary:       "a Rollout without spec.strategy.canary",
	CodeBlueGreen:      "a blue-green Rollout",
	CodeNoTemplate:     "a Rollout without a template",
	CodeStepKinds:      "a step that is not of exactly one kind",
	CodeWeight:         "a weight outside 0 to maxTrafficWeight, or no usable maxTrafficWeight",
	CodePause:          "a pause that cannot be waited for",
	CodeStepNotRun:     "a kind of step that this version does not run",
	CodePluginStep:     "a plugin step",
	CodeGuard:          "a guard setting out of range",
	CodeAnalysisNotRun: "an analysis beside the steps, which this version does not run",
	CodeVersionLabel:   "a version that is no label value",
	CodeManagedRoute:   "a route that managedRoutes does not name",
	CodeStringMatch:    "a match without exactly one of exact, prefix and regex",
	CodeProvider:       "a traffic provider: Serin routes itself",
	CodeNoEffect:       "a field about pods, without effect for files",
	CodeNeverMatches:   "a path that no request has",
	CodeValue:          "a value that the field does not allow",
	CodeRegex:          "a regular expression that does not compile (RE2)",
	CodeHostname:       "a hostname that is none",
	CodePort:           "a port out of range or written twice",
	CodeAddress:        "an endpoint without a usable address",
	CodeNotRun:         "a routing feature that this version does not run",
	CodeIgnored:        "a field that this version leaves aside",
	CodeTwice:          "the same object twice",
	CodeSharedService:  "two Rollouts for one Service",
	CodeNoService:      "a route to a Service that is not there",
	CodeNoPort:         "a route to a port that its Service does not have",
	CodeProtocols:      "two listeners on one port that exclude each other",
	CodeRolloutService: "a Rollout without its Service",
	CodeRolloutSlices:  "a Rollout whose version has no endpoints",
	CodeRolloutRoute:   "a Rollout that no HTTPRoute leads to",
	CodeNoVersion:      "endpoints without a version under a Rollout",
	CodeNoGateway:      "a route that hangs on no Gateway listener",
	CodeSliceService:   "endpoints of no known Service",
	CodeSameVersion:    "a template that changed under an equal version",
}
