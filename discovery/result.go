package discovery

import (
	"cmp"
	"maps"
	"slices"

	"github.com/serin-mesh/serin/api"
)

// Result is what a look at the files gave. It is immutable.
type Result struct {
	// Objects is the whole set; nil when one of the findings is an error.
	Objects *api.Objects
	// Findings is everything wrong or odd in all files, by file and line.
	Findings []api.Finding
	// Files is the text behind the set, by path with slashes, relative to the
	// folder, in a form to be kept: Secrets have names only. FromFiles makes the
	// same objects of it but for those.
	Files map[string][]byte
	// Changed and Removed say how Objects differs from the set before, sorted.
	// In the first set everything is changed.
	Changed, Removed []Ref
}

// Ref names an object.
type Ref = api.Ref

// FromFiles decodes files that were accepted earlier. Their paths stand as file
// names in findings.
func FromFiles(files map[string][]byte) Result {
	var all decoded
	kept := make(map[string][]byte, len(files))
	for _, path := range slices.Sorted(maps.Keys(files)) {
		file := api.DecodeFile(path, files[path], nil)
		all.add(file)
		kept[path] = file.WithoutSecrets(files[path])
	}
	r := all.result(nil, nil)
	r.Files = kept
	return r
}

// decoded gathers decoded files.
type decoded struct {
	docs     []api.Document
	findings []api.Finding
}

// add appends what a file holds.
func (d *decoded) add(f *api.File) {
	d.docs = append(d.docs, f.Docs...)
	d.findings = append(d.findings, f.Findings...)
}

// result makes a set of everything, if nothing is wrong, that shares what it
// can with the set before. base is what templates are compared with.
func (d *decoded) result(before, base *api.Objects) Result {
	findings := append(d.findings, api.Validate(d.docs)...)
	findings = append(findings, api.Compare(base, d.docs)...)
	api.SortFindings(findings)
	r := Result{Findings: findings}
	if !api.HasErrors(findings) {
		r.Objects = api.Collect(d.docs, before)
		r.compare(before)
	}
	return r
}

// compare fills in Changed and Removed.
func (r *Result) compare(before *api.Objects) {
	if before == nil {
		before = &api.Objects{}
	}
	now := r.Objects
	compareKind(r, "Gateway", before.Gateways, now.Gateways)
	compareKind(r, "HTTPRoute", before.HTTPRoutes, now.HTTPRoutes)
	compareKind(r, "Service", before.Services, now.Services)
	compareKind(r, "EndpointSlice", before.EndpointSlices, now.EndpointSlices)
	compareKind(r, "Rollout", before.Rollouts, now.Rollouts)
	compareKind(r, "AnalysisTemplate", before.AnalysisTemplates, now.AnalysisTemplates)
	compareKind(r, "ClusterAnalysisTemplate", before.ClusterAnalysisTemplates, now.ClusterAnalysisTemplates)
	compareKind(r, "AnalysisRun", before.AnalysisRuns, now.AnalysisRuns)
	compareKind(r, "Experiment", before.Experiments, now.Experiments)
	compareKind(r, "Release", before.Releases, now.Releases)
	compareKind(r, "Secret", before.Secrets, now.Secrets)
	sortRefs(r.Changed)
	sortRefs(r.Removed)
}

// compareKind compares the objects of one kind by their pointers.
func compareKind[T comparable](r *Result, kind string, before, now map[api.Key]T) {
	for key, o := range now {
		if old, there := before[key]; !there || old != o {
			r.Changed = append(r.Changed, Ref{Kind: kind, Key: key})
		}
	}
	for key := range before {
		if _, there := now[key]; !there {
			r.Removed = append(r.Removed, Ref{Kind: kind, Key: key})
		}
	}
}

// sortRefs sorts by kind and key.
func sortRefs(refs []Ref) {
	slices.SortFunc(refs, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Key.Compare(b.Key))
	})
}
