package kube

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

const (
	// Label marks the ConfigMaps of this package; its value is what one holds.
	Label = "serin.dev/state"

	ofRollout = "rollout"
	ofServer  = "server"

	serverName = "serin-state"

	// journalKept is how many of the newest lines of a journal are kept: a
	// ConfigMap holds a megabyte at most.
	journalKept = 300
)

// The keys of a ConfigMap's data.
const (
	keyRollout = "rollout" // NAMESPACE/NAME
	keyState   = "state"   // store.Rollout as JSON; absent: it was deleted, the journal stays
	keyJournal = "journal" // store.Entry by store.Entry as JSON, gzipped
	keyServer  = "server"  // shared as JSON
)

// shared is what is of the whole server.
type shared struct {
	Freeze   *rollout.Freeze          `json:"freeze,omitempty"`
	Envoys   store.Envoys             `json:"envoys,omitempty"`
	Releases map[string]store.Release `json:"releases,omitempty"`
}

// objectName names the ConfigMap of a Rollout. Names of Rollouts are as long as
// names may be, so theirs is a hash.
func objectName(key api.Key) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(key.String())) // a hash takes everything
	return fmt.Sprintf("serin-rollout-%x", h.Sum(nil))
}

// fresh gives the ConfigMap that a server or a Rollout begins with.
func fresh(namespace, name, holds string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name,
			Labels: map[string]string{Label: holds, "app.kubernetes.io/managed-by": "serin"}},
		Data:       map[string]string{},
		BinaryData: map[string][]byte{},
	}
}

// entries reads the journal of a Rollout's ConfigMap.
func entries(m *corev1.ConfigMap) ([]store.Entry, error) {
	packed := m.BinaryData[keyJournal]
	if len(packed) == 0 {
		return nil, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var out []store.Entry
	return out, json.Unmarshal(text, &out)
}

// appendEntries adds lines to the journal of a ConfigMap, and drops the oldest
// beyond what is kept.
func appendEntries(m *corev1.ConfigMap, lines []store.Entry) error {
	if len(lines) == 0 {
		return nil
	}
	have, err := entries(m)
	if err != nil {
		return err
	}
	seq := uint64(0)
	if len(have) > 0 {
		seq = have[len(have)-1].Seq
	}
	for _, line := range lines {
		seq++
		line.Seq = seq
		have = append(have, line)
	}
	have = have[max(len(have)-journalKept, 0):]
	text, err := json.Marshal(have)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	m.BinaryData[keyJournal] = packed.Bytes()
	return nil
}
