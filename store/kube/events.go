package kube

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// eventsQueued bounds the Events that wait to be made. What comes while it is full
// is in the journal only.
const eventsQueued = 1024

// Events makes Kubernetes Events: of each line of a journal, about the Rollout, and of
// what else it is told.
type Events struct {
	client kubernetes.Interface
	log    *slog.Logger
	queue  chan *corev1.Event

	mu    sync.Mutex // guards what follows
	about map[api.Key]corev1.ObjectReference
	count uint64
}

// NewEvents gives a maker of Events that has made none.
func NewEvents(client kubernetes.Interface, log *slog.Logger) *Events {
	return &Events{client: client, log: log, queue: make(chan *corev1.Event, eventsQueued), about: map[api.Key]corev1.ObjectReference{}}
}

// See notes which objects there are, so that Events are about the one with the
// name now.
func (e *Events) See(rollouts map[api.Key]*api.Rollout) {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.about)
	for key, r := range rollouts {
		e.about[key] = corev1.ObjectReference{Kind: "Rollout", APIVersion: r.APIVersion, Namespace: r.Namespace,
			Name: r.Name, UID: r.UID, ResourceVersion: r.ResourceVersion}
	}
}

// Journaled makes Events of lines that are durable. It does not block.
func (e *Events) Journaled(key api.Key, lines []store.Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	about, there := e.about[key]
	if !there {
		return
	}
	for i := range lines {
		e.put(event(about, &lines[i]))
	}
}

// Tell makes an Event about an object, of now. It does not block.
func (e *Events) Tell(about corev1.ObjectReference, warning bool, reason, message string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(eventOf(about, warning, time.Now(), reason, message))
}

// put has an Event made. The caller has the lock. Its name is unique as long as no two
// servers make one about one object at one instant.
func (e *Events) put(ev *corev1.Event) {
	e.count++
	ev.Name = fmt.Sprintf("%s.%x.%x", ev.InvolvedObject.Name, ev.FirstTimestamp.UnixNano(), e.count)
	select {
	case e.queue <- ev:
	default:
		e.log.Warn("an Event is left out: too many wait", "object", ev.InvolvedObject.Name)
	}
}

// event gives the Event of a line.
func event(about corev1.ObjectReference, line *store.Entry) *corev1.Event {
	warning := false
	switch line.Record.Kind {
	case rollout.AbortedKind, rollout.HarmPaused, rollout.WeightWithheld, rollout.DeadlinePassed:
		warning = true
	}
	message := line.Record.Message
	if line.Record.Actor != "" && line.Record.Actor != "serin" {
		message += fmt.Sprintf(" (%s)", line.Record.Actor)
	}
	return eventOf(about, warning, line.Record.At, string(line.Record.Kind), message)
}

// eventOf gives an Event without a name.
func eventOf(about corev1.ObjectReference, warning bool, at time.Time, reason, message string) *corev1.Event {
	kind, when := corev1.EventTypeNormal, metav1.NewTime(at)
	if warning {
		kind = corev1.EventTypeWarning
	}
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: about.Namespace},
		InvolvedObject: about, Reason: reason, Message: message, Type: kind,
		Source: corev1.EventSource{Component: "serin"}, FirstTimestamp: when, LastTimestamp: when, Count: 1,
		ReportingController: "serin.dev/serin",
	}
}

// Run makes the Events until the context ends. One that cannot be made is left out:
// the journal has it.
func (e *Events) Run(ctx context.Context) error {
	for {
		select {
		case ev := <-e.queue:
			e.send(ctx, ev)
		case <-ctx.Done():
			return nil
		}
	}
}

func (e *Events) send(ctx context.Context, ev *corev1.Event) {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := e.client.CoreV1().Events(ev.Namespace).Create(bounded, ev, metav1.CreateOptions{})
	if err != nil && ctx.Err() == nil {
		e.log.Warn("an Event cannot be made", "object", ev.InvolvedObject.Name, "reason", ev.Reason, "error", err)
	}
}
