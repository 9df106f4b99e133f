package workload

import (
	"encoding/json"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/api"
)

// What holds where a Rollout says nothing. Source: Argo Rollouts 1.10.
const (
	defaultReplicas       = 1
	defaultHistory        = 10
	defaultMaxUnavailable = "25%"
)

// terms are what a Rollout says about its pods, with the defaults filled in.
type terms struct {
	replicas    int32
	minPods     int32 // of a ReplicaSet that has any; 0: no least number
	minReady    int32 // seconds
	dynamic     bool  // the stable version shrinks as the canary grows
	paused      bool
	threshold   threshold
	unavailable *intstr.IntOrString // pods that a restart may take at a time

	// delay and abortDelay are how long, at least, a version keeps its pods after
	// it left; nil: no longer than it is used. An abortDelay of 0 is for ever.
	delay, abortDelay *time.Duration
	// delayed is how many old versions keep their pods during delay; -1: all.
	delayed int
	history int // of old ReplicaSets that are kept
}

// threshold is how many pods of those asked for are enough to go on.
type threshold struct {
	Type  string `json:"type"` // Percentage, Pod
	Value *int32 `json:"value"`
}

func termsOf(r *api.Rollout) terms {
	t := terms{
		replicas: valueOr(r.Spec.Replicas, defaultReplicas), minReady: r.Spec.MinReadySeconds,
		paused: r.Spec.Paused, delayed: -1, history: int(valueOr(r.Spec.RevisionHistoryLimit, defaultHistory)),
	}
	c := r.Spec.Strategy.Canary
	if c == nil {
		c = &api.Canary{}
	}
	t.minPods = valueOr(c.MinPodsPerReplicaSet, 0)
	t.dynamic = c.DynamicStableScale
	t.unavailable = c.MaxUnavailable
	t.delay, t.abortDelay = seconds(c.ScaleDownDelaySeconds), seconds(c.AbortScaleDownDelaySeconds)
	t.delayed = int(valueOr(c.ScaleDownDelayRevisionLimit, -1))
	// What is no threshold is the reader's finding; here it means all pods.
	_ = json.Unmarshal(c.ReplicaProgressThreshold, &t.threshold)
	return t
}

func valueOr(p *int32, fallback int32) int32 {
	if p == nil {
		return fallback
	}
	return *p
}

func seconds(n *int32) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Second
	return &d
}

// missing gives how many of a number of pods may be missing during a restart: at
// least one, or nothing could ever be restarted.
func (t terms) missing(replicas int32) int32 {
	limit := intstr.ValueOrDefault(t.unavailable, intstr.FromString(defaultMaxUnavailable))
	n, err := intstr.GetScaledValueFromIntOrPercent(limit, int(replicas), false)
	if err != nil {
		return 1
	}
	return min(max(int32(n), 1), max(replicas, 1))
}

// met says whether available pods are enough of those needed.
func (t threshold) met(available, needed int32) bool {
	if t.Value == nil || *t.Value < 0 {
		return available >= needed
	}
	if t.Type == "Pod" {
		return available >= min(*t.Value, needed)
	}
	return int64(available)*100 >= int64(needed)*int64(*t.Value)
}
