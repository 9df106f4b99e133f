package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/serin-mesh/serin/analysis/provider"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery/kube"
	"github.com/serin-mesh/serin/runner"
	"github.com/serin-mesh/serin/store"
	kubestore "github.com/serin-mesh/serin/store/kube"
	"github.com/serin-mesh/serin/workload"
	"github.com/serin-mesh/serin/xds"
)

// clusterOptions say how a server works in a cluster.
type clusterOptions struct {
	Enabled    bool
	Kubeconfig string   // empty: that of the pod it runs in, or of the user
	Namespaces []string // whose objects are read; empty: all
	AdoptArgo  bool     // the objects of argoproj.io too
	GuardMode  string   // of adopted Rollouts that say nothing
	Namespace  string   // of the lease and of the state
	Elect      bool     // lead only with the lease
	Advertise  string   // where other servers reach this one: a host; empty: found out
	Webhook    webhookOptions
}

func (o *clusterOptions) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.Enabled, "kubernetes", false, "read the objects from a Kubernetes API server, and scale the pods of Rollouts")
	f.StringVar(&o.Kubeconfig, "kubeconfig", "", "file that says how to reach it; without one, as a pod does, or as kubectl would")
	f.StringSliceVar(&o.Namespaces, "namespaces", nil, "namespaces whose objects are read; all without it")
	f.BoolVar(&o.AdoptArgo, "adopt-argo", false, "run the Rollouts of argoproj.io too, in place of Argo's controller")
	f.StringVar(&o.GuardMode, "guard-mode", "", "mode of the guard where an adopted Rollout says nothing: enforce, observe or off")
	f.BoolVar(&o.Elect, "leader-elect", true, "of several servers let one lead; the others follow it")
	f.StringVar(&o.Advertise, "advertise", "", "host or IP at which the other servers reach this one; without it, that of --xds-listen, else the host's name")
	o.Webhook.addFlags(f)
	f.StringVar(&o.Namespace, "lease-namespace", "", "namespace of the lease and of the state; the pod's own, or default")
}

// namespaceFile is where a pod finds the name of its namespace.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// connect gives how to reach the API server, and the server's own namespace.
func (o *clusterOptions) connect() (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	from := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil)
	config, err := from.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("finding the Kubernetes API server: %w: give --kubeconfig FILE", err)
	}
	own, err := os.ReadFile(namespaceFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("reading the pod's namespace: %w", err)
	}
	switch api.GuardMode(o.GuardMode) {
	case "", api.GuardEnforce, api.GuardObserve, api.GuardOff:
	default:
		return nil, "", fmt.Errorf("--guard-mode %q: want enforce, observe or off", o.GuardMode)
	}
	config.QPS, config.Burst = 200, 400
	config.UserAgent = "serin/" + programVersion()
	return config, cmp.Or(o.Namespace, string(own), "default"), nil
}

// serveCluster runs a server in a cluster until the context ends or another one
// leads.
func serveCluster(ctx context.Context, o serveOptions) error {
	config, namespace, err := o.Cluster.connect()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting to Kubernetes: %w", err)
	}
	return o.Cluster.Webhook.beside(ctx, o, func(ctx context.Context) error {
		if o.Cluster.Elect {
			return elect(ctx, o, client, namespace, func(ctx context.Context, r *replica) error {
				return lead(ctx, o, config, client, namespace, r.listeners, r.serving)
			})
		}
		own, err := o.XDSTLS.read(o.Log)
		if err != nil {
			return err
		}
		l, err := listenBoth(ctx, o)
		if err != nil {
			return err
		}
		defer l.close()
		return lead(ctx, o, config, client, namespace, l, func(_ context.Context, saved store.Saved) func(xds.Sink) served {
			return alone(o, own, saved)
		})
	})
}

// lead runs the server that decides.
func lead(ctx context.Context, o serveOptions, config *rest.Config, client kubernetes.Interface, namespace string,
	l *listeners, serving func(context.Context, store.Saved) func(xds.Sink) served) error {
	tokens, err := readTokens(o.TokenFile)
	if err != nil {
		return err
	}
	statuses, err := newStatuses(config, o.Log)
	if err != nil {
		return err
	}
	events := kubestore.NewEvents(client, o.Log)
	scaler, trials := &scaler{}, &trials{}
	if scaler.workload, err = workload.New(config, workload.Options{Report: scaler.report, Namespaces: o.Cluster.Namespaces, Log: o.Log}); err != nil {
		return err
	}
	if trials.runner, err = runner.New(config, runner.Options{Measure: trials.measure, Version: scaler.workload.VersionOf,
		Report: trials.report, Event: events.Tell, Reads: trials.reads, Namespaces: o.Cluster.Namespaces, Log: o.Log}); err != nil {
		return err
	}
	source, err := kube.New(config, kube.Options{Namespaces: o.Cluster.Namespaces, AdoptArgo: o.Cluster.AdoptArgo,
		GuardMode: api.GuardMode(o.Cluster.GuardMode), Seen: seen(statuses, trials), Log: o.Log})
	if err != nil {
		return err
	}
	defer source.Close()
	data := kubestore.New(client, namespace, o.Log)
	saved, err := data.Load(ctx)
	if err != nil {
		return err
	}
	read, err := source.Load(ctx)
	if err != nil {
		return err
	}
	jobs := &jobs{}
	if jobs.runner, err = workload.NewJobRunner(config, 0); err != nil {
		return err
	}
	jobs.see(read.Objects.Rollouts)
	trials.runner.Objects(read.Objects)
	p := join(o, data, saved, tokens, serving(ctx, saved), cluster{pods: scaler, jobs: jobs, experiments: trials})
	scaler.control, statuses.control, trials.control, trials.providers = p.control, p.control, p.control, p.providers
	data.Tell(events.Journaled)
	events.See(read.Objects.Rollouts)
	p.seen = func(objects *api.Objects) {
		events.See(objects.Rollouts)
		jobs.see(objects.Rollouts)
		trials.runner.Objects(objects)
	}
	p.beside = append(p.beside, scaler.workload.Run, trials.runner.Run, events.Run, statuses.run, statuses.runs)
	return p.run(ctx, source, control.Update{Objects: read.Objects, Findings: read.Findings}, l)
}

// cluster is what only a cluster has; the zero value is none.
type cluster struct {
	pods control.Pods  // scales the pods of Rollouts
	jobs provider.Jobs // runs the Jobs of metrics

	experiments control.Experiments // runs those with pods of their own
}

// scaler is a Workload as the control loop wants it.
type scaler struct {
	workload *workload.Workload
	control  *control.Control
}

// Want says what a Rollout wants now. Source: control.Pods.
func (s *scaler) Want(w control.PodsWanted) {
	wanted := workload.Wanted{Rollout: w.Rollout, Stable: w.Stable, Version: w.Version, Canary: w.Canary, Busy: w.Busy, Aborted: w.Aborted}
	if w.Certain {
		wanted.AtLeast, wanted.AtMost = w.Share, w.Share
	}
	s.workload.Want(wanted)
}

// Forget says that a Rollout is gone. Source: control.Pods.
func (s *scaler) Forget(key api.Key) { s.workload.Forget(key) }

// report tells the control loop how the pods of a Rollout are.
func (s *scaler) report(r workload.Report) {
	s.control.PodsReported(r.Key, control.PodsReport{
		Version: r.Version, Revision: r.Revision, Generation: r.Generation, Pods: r.Pods, Failure: r.Err,
		Status: api.PodsStatus{Replicas: r.Replicas, UpdatedReplicas: r.UpdatedReplicas, ReadyReplicas: r.ReadyReplicas,
			AvailableReplicas: r.AvailableReplicas, HPAReplicas: r.HPAReplicas, Selector: r.Selector, CollisionCount: r.CollisionCount,
			RestartedAt: r.RestartedAt},
	})
}
