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
// endpoints, 4 between objects, 5 analyses.
const (
	CodeUnreadable      Code = "E100"
	CodeSyntax          Code = "E101"
	CodeUnknownField    Code = "E102"
	CodeDuplicateKey    Code = "E103"
	CodeWrongType       Code = "E104"
	CodeNoKind          Code = "E105"
	CodeUnknownKind     Code = "E106"
	CodeBadName         Code = "E107"
	CodeTooLarge        Code = "E108"
	CodeMissing         Code = "E109"
	CodeUnusedKind      Code = "W111"
	CodeForeignKind     Code = "W112"
	CodeNoCanary        Code = "E201"
	CodeBlueGreen       Code = "E202"
	CodeNoTemplate      Code = "E203"
	CodeStepKinds       Code = "E204"
	CodeWeight          Code = "E205"
	CodePause           Code = "E206"
	CodePluginStep      Code = "E208"
	CodeGuard           Code = "E209"
	CodeVersionLabel    Code = "E211"
	CodeManagedRoute    Code = "E212"
	CodeStringMatch     Code = "E213"
	CodeProvider        Code = "W221"
	CodeNoEffect        Code = "W222"
	CodeNeverMatches    Code = "W223"
	CodeValue           Code = "E301"
	CodeRegex           Code = "E302"
	CodeHostname        Code = "E303"
	CodePort            Code = "E304"
	CodeAddress         Code = "E305"
	CodeNotRun          Code = "E306"
	CodeIgnored         Code = "W321"
	CodeTwice           Code = "E401"
	CodeSharedService   Code = "E402"
	CodeNoService       Code = "E403"
	CodeNoPort          Code = "E404"
	CodeProtocols       Code = "E405"
	CodeRolloutService  Code = "W421"
	CodeRolloutSlices   Code = "W422"
	CodeRolloutRoute    Code = "W423"
	CodeNoVersion       Code = "W424"
	CodeNoGateway       Code = "W425"
	CodeSliceService    Code = "W426"
	CodeSameVersion     Code = "W427"
	CodeProve           Code = "E214"
	CodeGate            Code = "E215"
	CodeExperiment      Code = "E216"
	CodeWorkload        Code = "W224"
	CodeStepParts       Code = "W225"
	CodeUseless         Code = "W226"
	CodeNeverEnds       Code = "W227"
	CodeUndecided       Code = "W229"
	CodeNoAnalysis      Code = "E406"
	CodeRelease         Code = "E407"
	CodeNoSecret        Code = "W428"
	CodeMetricTwice     Code = "E501"
	CodeProviders       Code = "E502"
	CodeRefusedProvider Code = "E503"
	CodeCondition       Code = "E504"
	CodeMetricNumber    Code = "E505"
	CodeArgument        Code = "E506"
	CodeArgMissing      Code = "E507"
	CodeEndless         Code = "E508"
	CodeEnvoyMetric     Code = "E509"
	CodeNoData          Code = "W521"
	CodeDoubtful        Code = "W522"
	CodeJob             Code = "W523"
	CodeRule            Code = "W524"
	CodeArgUnused       Code = "W525"
	CodeNoRunner        Code = "W526"
)

// Codes says of each code what it means.
var Codes = map[Code]string{
	CodeUnreadable:      "a file or the folder cannot be read",
	CodeSyntax:          "the text is neither YAML nor JSON",
	CodeUnknownField:    "a field that the kind does not have",
	CodeDuplicateKey:    "a field that is written twice",
	CodeWrongType:       "a value of another type than the field's",
	CodeNoKind:          "a document that is no object with apiVersion and kind",
	CodeUnknownKind:     "a kind or version that Serin does not know",
	CodeBadName:         "a name that Kubernetes would refuse",
	CodeTooLarge:        "a document that is too large or nested too deeply",
	CodeMissing:         "a required field is missing",
	CodeUnusedKind:      "a kind that is read but not used by this version",
	CodeForeignKind:     "a kind of another project, left alone",
	CodeNoCanary:        "a Rollout without spec.strategy.canary",
	CodeBlueGreen:       "a blue-green Rollout",
	CodeNoTemplate:      "a Rollout without a template",
	CodeStepKinds:       "a step that is not of exactly one kind",
	CodeWeight:          "a weight outside 0 to maxTrafficWeight, or no usable maxTrafficWeight",
	CodePause:           "a pause that cannot be waited for",
	CodePluginStep:      "a plugin step",
	CodeGuard:           "a guard setting out of range",
	CodeVersionLabel:    "a version that is no label value",
	CodeManagedRoute:    "a route that managedRoutes does not name",
	CodeStringMatch:     "a match without exactly one of exact, prefix and regex",
	CodeUndecided:       "a step that is over before its judge can have decided, with the traffic given",
	CodeProvider:        "a traffic provider: Serin routes itself",
	CodeNoEffect:        "a field about pods, without effect for files",
	CodeNeverMatches:    "a path that no request has",
	CodeValue:           "a value that the field does not allow",
	CodeRegex:           "a regular expression that does not compile (RE2)",
	CodeHostname:        "a hostname that is none",
	CodePort:            "a port out of range or written twice",
	CodeAddress:         "an endpoint without a usable address",
	CodeNotRun:          "a routing feature that this version does not run",
	CodeIgnored:         "a field that this version leaves aside",
	CodeTwice:           "the same object twice",
	CodeSharedService:   "two Rollouts for one Service",
	CodeNoService:       "a route to a Service that is not there",
	CodeNoPort:          "a route to a port that its Service does not have",
	CodeProtocols:       "two listeners on one port that exclude each other",
	CodeRolloutService:  "a Rollout without its Service",
	CodeRolloutSlices:   "a Rollout whose version has no endpoints",
	CodeRolloutRoute:    "a Rollout that no HTTPRoute leads to",
	CodeNoVersion:       "endpoints without a version under a Rollout",
	CodeNoGateway:       "a route that hangs on no Gateway listener",
	CodeSliceService:    "endpoints of no known Service",
	CodeSameVersion:     "a template that changed under an equal version",
	CodeProve:           "a setting of a prove step out of range",
	CodeGate:            "a gate that cannot be asked",
	CodeExperiment:      "a part of an experiment that is not clear",
	CodeWorkload:        "a workloadRef to a workload that is not there",
	CodeStepParts:       "a step of several kinds, played as several steps",
	CodeUseless:         "a step or setting that does nothing",
	CodeNeverEnds:       "a step that only a person can end",
	CodeNoAnalysis:      "an analysis whose template is not there",
	CodeRelease:         "a Release whose members are not there, or not its own",
	CodeNoSecret:        "an argument from a Secret that is not there",
	CodeMetricTwice:     "two metrics of one name",
	CodeProviders:       "a metric without exactly one provider",
	CodeRefusedProvider: "a provider that Serin does not run",
	CodeCondition:       "a condition that does not compile",
	CodeMetricNumber:    "a length of time, count or limit that cannot be",
	CodeArgument:        "an argument with two values, or none that is clear",
	CodeArgMissing:      "an argument that nobody gives a value",
	CodeEndless:         "an analysis step that never ends",
	CodeEnvoyMetric:     "a setting of an envoy metric out of range",
	CodeNoData:          "a metric that means something else to Argo where there is no data",
	CodeDoubtful:        "a metric whose every measurement is an error",
	CodeJob:             "a job, which does not run by itself here",
	CodeRule:            "a rule that matches no metric",
	CodeArgUnused:       "an argument that no template asks for",
	CodeNoRunner:        "a run or experiment by itself, which nothing runs for files",
}
