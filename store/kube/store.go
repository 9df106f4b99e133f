package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/store"
)

// ErrSuperseded is wrapped where another server has written since this one began:
// it leads now, and this one must not go on.
var ErrSuperseded = errors.New("another server has taken over")

// Store keeps states in ConfigMaps. Its methods may be called from any goroutine,
// but Load and Run one after the other.
type Store struct {
	maps      typedv1.ConfigMapInterface
	namespace string
	log       *slog.Logger
	journaled func(api.Key, []store.Entry)

	// mu guards what follows; wake has room for one token.
	mu      sync.Mutex
	queue   []*pending
	objects map[string]*corev1.ConfigMap // by name, as they are in the API server
	wake    chan struct{}
}

// New gives the store of a server in a namespace. Nothing is read yet.
func New(client kubernetes.Interface, namespace string, log *slog.Logger) *Store {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Store{maps: client.CoreV1().ConfigMaps(namespace), namespace: namespace, log: log,
		objects: map[string]*corev1.ConfigMap{}, wake: make(chan struct{}, 1)}
}

// Tell has a function told of the lines of journals that are durable, one write at
// a time. It must not block. Call it before Run.
func (s *Store) Tell(journaled func(key api.Key, lines []store.Entry)) { s.journaled = journaled }

// Load gives everything that a server needs to go on. What cannot be read is an
// error that names the ConfigMap: nothing is begun anew in its place.
func (s *Store) Load(ctx context.Context) (store.Saved, error) {
	saved := store.Saved{Rollouts: map[api.Key]store.Rollout{}}
	list, err := s.maps.List(ctx, metav1.ListOptions{LabelSelector: Label})
	if err != nil {
		return saved, fmt.Errorf("reading the states in namespace %q: %w", s.namespace, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.objects)
	for i := range list.Items {
		m := &list.Items[i]
		if err := load(m, &saved); err != nil {
			return saved, fmt.Errorf("reading the state in ConfigMap %s/%s: %w: restore it, or delete it and its Rollout begins again", s.namespace, m.Name, err)
		}
		s.objects[m.Name] = m
	}
	return saved, nil
}

// load reads one ConfigMap.
func load(m *corev1.ConfigMap, saved *store.Saved) error {
	if m.BinaryData == nil {
		m.BinaryData = map[string][]byte{}
	}
	if m.Labels[Label] == ofServer {
		var of shared
		if err := json.Unmarshal([]byte(m.Data[keyServer]), &of); err != nil {
			return err
		}
		saved.Freeze, saved.Envoys, saved.Releases = of.Freeze, of.Envoys, of.Releases
		return nil
	}
	namespace, name, ok := strings.Cut(m.Data[keyRollout], "/")
	if !ok {
		return fmt.Errorf("it names no Rollout")
	}
	text, there := m.Data[keyState]
	if !there {
		return nil
	}
	var of store.Rollout
	if err := json.Unmarshal([]byte(text), &of); err != nil {
		return err
	}
	saved.Rollouts[api.Key{Namespace: namespace, Name: name}] = of
	return nil
}

// Journal gives the newest lines of a Rollout's journal, the oldest first.
func (s *Store) Journal(key api.Key) ([]store.Entry, error) {
	s.mu.Lock()
	m := s.objects[objectName(key)]
	s.mu.Unlock()
	if m == nil {
		return nil, nil
	}
	out, err := entries(m)
	if err != nil {
		return nil, fmt.Errorf("reading the journal of %s: %w", key, err)
	}
	return out, nil
}
