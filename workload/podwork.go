package workload

import (
	"context"

	apps "k8s.io/api/apps/v1"
)

// pods does what concerns pods that run.
func (w *Workload) pods(ctx context.Context, e *entry, v view, own []*apps.ReplicaSet) error {
	return nil
}
