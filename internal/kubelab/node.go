package kubelab

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// createNode makes a node that is ready; one that exists is made so.
func (k *Kubelet) createNode(ctx context.Context, name string) error {
	node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: name, Labels: map[string]string{core.LabelHostname: name}}}
	_, err := k.client.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating node %q: %w", name, err)
	}
	return k.setNode(ctx, name, true)
}

// setNode writes the status of a node. The taint of a new node, which a
// controller would remove, keeps nothing from it: there is no scheduler.
func (k *Kubelet) setNode(ctx context.Context, name string, ready bool) error {
	room := core.ResourceList{
		core.ResourceCPU: resource.MustParse("64"), core.ResourceMemory: resource.MustParse("64Gi"),
		core.ResourcePods: resource.MustParse("10000"),
	}
	condition := core.NodeCondition{
		Type: core.NodeReady, Status: truth(ready), Reason: "Played", LastTransitionTime: meta.Now(), LastHeartbeatTime: meta.Now(),
	}
	status := core.NodeStatus{Capacity: room, Allocatable: room, Conditions: []core.NodeCondition{condition}}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return fmt.Errorf("writing the status of node %q: %w", name, err)
	}
	_, err = k.client.CoreV1().Nodes().Patch(ctx, name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("writing the status of node %q: %w", name, err)
	}
	return nil
}

// FailNode makes what runs on a node vanish. It returns when that is gone and the
// node is said to be not ready; its pods are said to be so soon after. They stay,
// also when they are deleted, as those of a lost node do; new pods go to the other
// nodes.
func (k *Kubelet) FailNode(ctx context.Context, name string) error {
	if err := k.setFailed(name, true); err != nil {
		return err
	}
	k.stopRuns(func(r *run) bool { return r.node == name })
	if err := k.setNode(ctx, name, false); err != nil {
		return err
	}
	k.enqueueAll()
	return nil
}

// RecoverNode brings a failed node back. Its pods start again, under the
// addresses that they had.
func (k *Kubelet) RecoverNode(ctx context.Context, name string) error {
	if err := k.setFailed(name, false); err != nil {
		return err
	}
	if err := k.setNode(ctx, name, true); err != nil {
		return err
	}
	k.enqueueAll()
	return nil
}

// Hold keeps the pods for which the function says so from being ready, or from
// staying so, until Hold is called again; nil holds none. It may be asked at any
// time, of any pod.
func (k *Kubelet) Hold(pods func(*core.Pod) bool) {
	k.mu.Lock()
	k.hold = pods
	k.mu.Unlock()
	k.enqueueAll()
}

func (k *Kubelet) setFailed(name string, failed bool) error {
	if !slices.Contains(k.options.Nodes, name) {
		return fmt.Errorf("there is no node %q: %q are", name, k.options.Nodes)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed[name] = failed
	return nil
}

// enqueueAll has all pods looked at.
func (k *Kubelet) enqueueAll() {
	pods, _ := k.pods.List(labels.Everything()) // of a cache, which gives no error
	for _, p := range pods {
		k.queue.Add(cache.MetaObjectToName(p))
	}
}

// nextNode gives the node whose turn it is; empty when all have failed.
func (k *Kubelet) nextNode() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for range k.options.Nodes {
		name := k.options.Nodes[k.turn%len(k.options.Nodes)]
		k.turn++
		if !k.failed[name] {
			return name
		}
	}
	return ""
}
