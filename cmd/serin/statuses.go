package main

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	kubestore "github.com/serin-mesh/serin/store/kube"
)

// statuses writes what the control loop says of Rollouts into their objects, and
// has it do what others write there.
type statuses struct {
	*kubestore.Statuses
	analyses *kubestore.Runs
	control  *control.Control
}

// newStatuses gives one whose control is still to be set.
func newStatuses(config *rest.Config, log *slog.Logger) (*statuses, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to Kubernetes: %w", err)
	}
	s := &statuses{}
	s.Statuses = kubestore.NewStatuses(client, func(ctx context.Context, key api.Key, a api.Action) error {
		_, err := s.control.Act(ctx, key, a)
		return err
	}, log)
	s.analyses = kubestore.NewRuns(client, func(ctx context.Context, key api.Key) ([]*api.AnalysisRun, error) {
		return s.control.OwnAnalysisRuns(ctx, key)
	}, log)
	return s, nil
}

// run writes and hears until the context ends.
func (s *statuses) run(ctx context.Context) error {
	watch, err := s.control.Watch(ctx)
	if err != nil {
		return err
	}
	return s.Run(ctx, watch.Next)
}

// runs writes the analyses of Rollouts until the context ends.
func (s *statuses) runs(ctx context.Context) error {
	watch, err := s.control.Watch(ctx)
	if err != nil {
		return err
	}
	return s.analyses.Run(ctx, watch.Next)
}
