package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/serin-mesh/serin/api"
)

// A watch is the store of its reflector. It keeps no object, only which version
// of each it has told. Source of the methods: cache.ReflectorStore.
var (
	_ cache.ReflectorStore    = (*watch)(nil)
	_ cache.TransformingStore = (*watch)(nil)
)

// Transformer has objects converted as they arrive.
func (w *watch) Transformer() cache.TransformFunc {
	return func(o any) (any, error) { return w.convert(o) }
}

// Add tells of an object.
func (w *watch) Add(o any) error { return w.Update(o) }

// Update tells of an object that changed.
func (w *watch) Update(o any) error {
	i, err := w.convert(o)
	if err != nil {
		return err
	}
	if e, news := w.event(i); news {
		w.inbox.put(nil, e)
	}
	return nil
}

// Delete tells that an object is gone.
func (w *watch) Delete(o any) error {
	m, err := meta.Accessor(o)
	if err != nil {
		return fmt.Errorf("reading %s: %w", w.resource.plural, err)
	}
	key := keyOf(m)
	if _, there := w.known[key]; there {
		delete(w.known, key)
		w.lost(key)
		w.inbox.put(nil, event{from: w, name: w.name(key)})
	}
	return nil
}

// Replace tells of everything there is, and of what is no longer.
func (w *watch) Replace(list []any, _ string) error {
	var events []event
	there := make(map[api.Key]bool, len(list))
	for _, o := range list {
		i, err := w.convert(o)
		if err != nil {
			return err
		}
		there[keyOf(i)] = true
		if e, news := w.event(i); news {
			events = append(events, e)
		}
	}
	for key := range w.known {
		if !there[key] {
			delete(w.known, key)
			w.lost(key)
			events = append(events, event{from: w, name: w.name(key)})
		}
	}
	w.inbox.put(w, events...)
	return nil
}

// Resync does nothing: nothing is forgotten in between.
func (w *watch) Resync() error { return nil }

// told reports whether an object was told in its version.
func (w *watch) told(o metav1.Object) bool {
	before, there := w.known[keyOf(o)]
	return there && before != "" && before == o.GetResourceVersion()
}

// name names an object of the watch.
func (w *watch) name(key api.Key) name {
	return name{w.resource.group, w.resource.kind, key}
}

// event makes the event of an object; false where it is as it was, or is left
// alone and always was.
func (w *watch) event(i *item) (event, bool) {
	if w.told(i) {
		return event{}, false
	}
	key := keyOf(i)
	_, there := w.known[key]
	if i.ignored {
		delete(w.known, key)
		if there {
			w.lost(key)
		}
		return event{from: w, name: w.name(key)}, there
	}
	w.known[key] = i.ResourceVersion
	return event{from: w, name: w.name(key), item: i}, true
}

// convert gives the item of what a reflector gives. An object in the version
// that was told is not read again: lists after an outage are mostly of those.
func (w *watch) convert(o any) (*item, error) {
	if i, ok := o.(*item); ok {
		return i, nil
	}
	if m, err := meta.Accessor(o); err == nil && w.told(m) {
		return newItem(m), nil
	}
	i, err := w.read(o)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", w.resource.plural, err)
	}
	return i, nil
}
