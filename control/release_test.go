package control_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// shopOf is one application with versions v1 and v2, of which one is wanted.
func shopOf(name, version string) string {
	text := strings.ReplaceAll(objectsOf, "name: shop", "name: "+name)
	text = text[strings.Index(text, "---"):] // the Gateway is everybody's
	slices := strings.ReplaceAll(slice("v1", 1)+slice("v2", 1), "shop", name)
	r := strings.Replace(fmt.Sprintf(rolloutOf, version, "{}"), "name: shop", "name: "+name, 1)
	r = strings.Replace(r, "{setWeight: 50}, {pause: {}}", "{setWeight: 50}", 1)
	return text + slices + r
}

const gatewayOf = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 10000}]}
`

// released hands the loop three applications under a Release, each at a version.
func (w *world) released(spec string, versions ...string) {
	w.t.Helper()
	text := gatewayOf
	for i, name := range []string{"back", "front", "mail"} {
		text += shopOf(name, versions[i])
	}
	w.files(map[string]string{"all.yaml": text + "---\napiVersion: serin.dev/v1alpha1\nkind: Release\nmetadata: {name: spring}\n" +
		"spec: {rollouts: [{name: back}, {name: front}, {name: mail}]" + spec + "}\n"})
}

// stand shows the Release and its members in a line.
func (w *world) stand() string {
	w.t.Helper()
	synctest.Wait()
	r, err := w.Release(context.Background(), api.Key{Namespace: "default", Name: "spring"})
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := w.Rollouts(context.Background(), "default")
	if err != nil {
		w.t.Fatal(err)
	}
	out := string(r.Status.Phase)
	for _, one := range all {
		st := one.Status
		if st.Release != "spring" {
			continue
		}
		out += fmt.Sprintf(", %s %s %s %g%%", one.Name, st.Phase, st.StableRS, st.Canary.Weights.Canary.Weight)
	}
	return out
}

func (w *world) stands(when, want string) {
	w.t.Helper()
	if d := cmp.Diff(want, w.stand()); d != "" {
		w.t.Errorf("%s: (-want +got)\n%s", when, d)
	}
}

func TestSequentialRelease(t *testing.T) {
	inWorld(t, func(w *world) {
		w.released("", "v1", "v1", "v1")
		w.stands("at first", "Healthy, back Healthy v1 0%, front Healthy v1 0%, mail Healthy v1 0%")
		w.released("", "v2", "v2", "v1")
		w.stands("the first begins", "Paused, back Paused v1 20%, front Progressing v1 0%, mail Healthy v1 0%")
		time.Sleep(time.Minute)
		w.stands("the first is through", "Paused, back Healthy v2 0%, front Paused v1 20%, mail Healthy v1 0%")
		w.released("", "v2", "v2", "v2")
		w.stands("the third comes later", "Paused, back Healthy v2 0%, front Paused v1 20%, mail Progressing v1 0%")
		time.Sleep(2 * time.Minute)
		w.stands("all are through", "Healthy, back Healthy v2 0%, front Healthy v2 0%, mail Healthy v2 0%")
	})
}

func TestParallelRelease(t *testing.T) {
	inWorld(t, func(w *world) {
		w.released(", order: Parallel", "v1", "v1", "v1")
		w.released(", order: Parallel", "v2", "v2", "v1")
		w.stands("both begin", "Paused, back Paused v1 20%, front Paused v1 20%, mail Healthy v1 0%")
	})
}

// TestOneAbortForAll: the member that was promoted in the same change goes back,
// those that wait never begin; one that is tried again is not pulled down by
// what was.
func TestOneAbortForAll(t *testing.T) {
	for _, c := range []struct{ spec, aborted, retried string }{
		{"", "Degraded, back Healthy v1 0%, front Degraded v1 0%, mail Degraded v1 0%",
			"Degraded, back Paused v1 20%, front Degraded v1 0%, mail Degraded v1 0%"},
		{", onAbort: Keep", "Degraded, back Healthy v2 0%, front Degraded v1 0%, mail Degraded v1 0%", ""},
	} {
		inWorld(t, func(w *world) {
			w.released(c.spec, "v1", "v1", "v1")
			w.released(c.spec, "v2", "v2", "v2")
			time.Sleep(time.Minute)
			w.stands("the second is on its way", "Paused, back Healthy v2 0%, front Paused v1 20%, mail Progressing v1 0%")
			// Harm of the second, as the guard finds it.
			for range 8 {
				w.failsOf("front", "v2")
			}
			w.stands("aborted", c.aborted)
			journal, err := w.History(context.Background(), api.Key{Namespace: "default", Name: "mail"})
			if err != nil {
				t.Fatal(err)
			}
			last := journal[len(journal)-1]
			if last.Event != "Aborted" || !strings.Contains(last.Reason, "release spring: front was aborted") {
				t.Errorf("the journal of the third ends with %+v", last)
			}
			if c.retried == "" {
				return
			}
			if _, err := w.Act(context.Background(), api.Key{Namespace: "default", Name: "back"}, api.Action{Verb: "resume", Actor: "ana"}); err != nil {
				t.Fatal(err)
			}
			w.stands("the first again", c.retried)
		})
	}
}

func TestReleaseOverARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.released("", "v1", "v1", "v1")
		w.released("", "v2", "v2", "v2")
		time.Sleep(time.Minute)
		before := w.stand()
		lines := len(w.disk.journal[api.Key{Namespace: "default", Name: "mail"}])
		w.stop()
		w.start()
		w.released("", "v2", "v2", "v2")
		w.stands("after a restart", before)
		if n := len(w.disk.journal[api.Key{Namespace: "default", Name: "mail"}]); n != lines {
			t.Errorf("the restart wrote %d lines in the journal of one that waits", n-lines)
		}
		if _, err := w.ActRelease(context.Background(), api.Key{Namespace: "default", Name: "spring"}, api.Action{Verb: "abort", Actor: "ana", Reason: "enough"}); err != nil {
			t.Fatal(err)
		}
		w.stands("aborted by a person", "Degraded, back Healthy v1 0%, front Degraded v1 0%, mail Degraded v1 0%")
	})
}

func TestActionsOnAllMembers(t *testing.T) {
	inWorld(t, func(w *world) {
		key := api.Key{Namespace: "default", Name: "spring"}
		w.released("", "v1", "v1", "v1")
		act := func(key api.Key, verb string) string {
			_, err := w.ActRelease(context.Background(), key, api.Action{Verb: verb, Actor: "ana"})
			synctest.Wait()
			if err != nil {
				return err.Error()
			}
			return ""
		}
		if got := act(key, "abort"); !strings.Contains(got, "does not apply now") {
			t.Errorf("nothing is on its way, and abort says %q", got)
		}
		if got := act(shop, "abort"); !strings.Contains(got, "no such Release") {
			t.Errorf("there is none, and abort says %q", got)
		}
		w.released("", "v2", "v2", "v1")
		if got := act(key, "pause"); got != "" {
			t.Error(got)
		}
		time.Sleep(10 * time.Minute)
		w.stands("both are paused", "Paused, back Paused v1 20%, front Paused v1 0%, mail Healthy v1 0%")
		if got := act(key, "resume"); got != "" {
			t.Error(got)
		}
		w.stands("they go on", "Paused, back Healthy v2 0%, front Paused v1 20%, mail Healthy v1 0%")
		// Without the Release each goes its own way.
		w.files(map[string]string{"all.yaml": gatewayOf + shopOf("back", "v1") + shopOf("front", "v2")})
		if all, err := w.Releases(context.Background(), ""); err != nil || len(all) != 0 {
			t.Errorf("%v, %v", all, err)
		}
	})
}
