package kube

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestWriter: who has written is told by what the API server keeps of writers, and
// nobody is named who was there before and only lost a field.
func TestWriter(t *testing.T) {
	t0 := time.Unix(1_800_000_000, 0)
	of := func(manager, fields string, after time.Duration) metav1.ManagedFieldsEntry {
		at := metav1.NewTime(t0.Add(after))
		return metav1.ManagedFieldsEntry{Manager: manager, Subresource: "status", Time: &at,
			FieldsV1: metav1.NewFieldsV1(fields)}
	}
	spec := of("editor", `{"f:abort":{}}`, time.Hour)
	spec.Subresource = ""
	was := []metav1.ManagedFieldsEntry{of(fieldManager, `{"f:phase":{}}`, 0), of(argoController, `{"f:abort":{},"f:pauseConditions":{}}`, 0), spec}
	for name, c := range map[string]struct {
		before, after said
		now           []metav1.ManagedFieldsEntry
		want          string
	}{
		"a new one":            {now: append(was, of("ana", `{"f:message":{}}`, time.Second)), want: "ana"},
		"by the field":         {after: said{step: 2}, now: append(was, of("ana", `{"f:currentStepIndex":{}}`, 0)), want: "ana"},
		"one who writes again": {now: []metav1.ManagedFieldsEntry{of(argoController, `{"f:abort":{}}`, time.Second)}, want: argoController},
		"a field taken away":   {now: []metav1.ManagedFieldsEntry{of(argoController, `{"f:abort":{}}`, 0)}, want: unknownWriter},
		"the owner of a field": {before: said{abort: true}, now: was, want: argoController},
		"nobody but ourselves": {now: []metav1.ManagedFieldsEntry{of(fieldManager, `{"f:abort":{}}`, time.Hour)}, want: unknownWriter},
		"the last of those":    {now: append(was, of("ana", `{}`, time.Second), of("bob", `{}`, time.Minute)), want: "bob"},
		"another part of it":   {now: was, want: unknownWriter},
	} {
		if got := writer(held{said: c.before, writers: writersOf(was)}, held{said: c.after, writers: writersOf(c.now)}); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
