package kube

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// argoController is how the API server knows Argo's own controller. What it
	// writes is no person's.
	argoController = "rollouts-controller"
	// unknownWriter is whoever the API server does not tell of: it knows who has set
	// a field, and not who has taken one away, as the plugin's promote does.
	unknownWriter = "kubectl"
)

// stamp is what the API server knows of one writer's writes: when the last one was,
// to the second, and which fields are his.
type stamp struct {
	at     time.Time
	fields string
}

// writersOf gives those who have written a status, but for ourselves.
func writersOf(managers []metav1.ManagedFieldsEntry) map[string]stamp {
	out := map[string]stamp{}
	for _, m := range managers {
		if m.Subresource != "status" || m.Manager == fieldManager {
			continue
		}
		var s stamp
		if m.Time != nil {
			s.at = m.Time.Time
		}
		if m.FieldsV1 != nil {
			s.fields = m.FieldsV1.GetRawString()
		}
		out[m.Manager] = s
	}
	return out
}

// writer gives who has written between two sights: who has any of the fields that
// differ, else who has written more than before. One who only lost a field to
// somebody is not the one.
func writer(before, now held) string {
	for manager, s := range now.writers {
		for _, field := range before.said.differs(now.said) {
			if strings.Contains(s.fields, `"f:`+field+`"`) {
				return manager
			}
		}
	}
	name := unknownWriter
	for manager, s := range now.writers {
		old, known := before.writers[manager]
		wrote := !known || s.at.After(old.at) || s.fields != old.fields && len(s.fields) >= len(old.fields)
		if wrote && (name == unknownWriter || s.at.After(now.writers[name].at)) {
			name = manager
		}
	}
	return name
}

// differs names the fields, of those that are one value, that differ.
func (b said) differs(now said) (fields []string) {
	if b.abort != now.abort {
		fields = append(fields, "abort")
	}
	if b.full != now.full {
		fields = append(fields, "promoteFull")
	}
	if b.step != now.step {
		fields = append(fields, "currentStepIndex")
	}
	return fields
}
