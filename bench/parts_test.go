package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
)

// boot is a bootstrap as Serin makes it.
func boot(t *testing.T) []byte {
	t.Helper()
	b, err := snapshot.Bootstrap(snapshot.BootstrapOptions{Gateway: edge, NodeID: "edge-1", Admin: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBootstraps: the peer's differs in the layer alone, and both count bytes.
func TestBootstraps(t *testing.T) {
	counted, err := withBytes(boot(t))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(counted), "exact: "+received) {
		t.Errorf("the bytes are not counted:\n%s", counted)
	}
	plain, err := withoutLayer(counted)
	if err != nil {
		t.Fatal(err)
	}
	var with, without map[string]any
	if err := yaml.Unmarshal(counted, &with); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(plain, &without); err != nil {
		t.Fatal(err)
	}
	a, _ := at(with, "layered_runtime")
	b, _ := at(without, "layered_runtime")
	if had, has := len(a["layers"].([]any)), len(b["layers"].([]any)); has != had-1 {
		t.Errorf("of %d layers %d are left", had, has)
	}
	if strings.Contains(string(plain), "rtds_layer") || !strings.Contains(string(plain), "DELTA_GRPC") {
		t.Errorf("the peer's bootstrap:\n%s", plain)
	}
}

func TestBootstrapsRefused(t *testing.T) {
	for name, text := range map[string]string{"no YAML": "{", "no runtime": "node: {id: a}", "no layer": "layered_runtime: {layers: [{name: static}]}"} {
		if _, err := withoutLayer([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if out, err := withBytes([]byte("node: {id: a}")); err != nil || !strings.Contains(string(out), "id: a") {
		t.Errorf("a bootstrap that counts everything became %q, %v", out, err)
	}
}

// TestOrigin: every bad answer has its time, in order, between the moments at
// which the client asked for it and had it.
func TestOrigin(t *testing.T) {
	o, err := startOrigin("v2")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.close(); err != nil {
			t.Error(err)
		}
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ask := func() int {
		resp, err := (&http.Client{Transport: transport}).Get("http://" + o.address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header.Get(lab.VersionHeader); got != "v2" {
			t.Errorf("the answer is of %q", got)
		}
		return resp.StatusCode
	}
	if ask() != http.StatusOK {
		t.Error("a good version failed")
	}
	began := time.Now()
	o.fail()
	for range 2 {
		if ask() != http.StatusInternalServerError {
			t.Error("a bad version answered well")
		}
	}
	bad, last := o.heal()
	if len(bad) != 2 || bad[0].Before(began) || bad[1].Before(bad[0]) || last.Before(bad[0]) || last.After(bad[1]) {
		t.Errorf("began at %v: bad answers at %v, the last request at %v", began, bad, last)
	}
	if ask() != http.StatusOK {
		t.Error("a healed version failed")
	}
}

// TestSighting: only the expected version is seen, once, and the next only when
// it is expected.
func TestSighting(t *testing.T) {
	s := newSighting()
	s.observe(lab.Result{Version: "v2"}) // nobody asked
	s.expect("v2")
	s.observe(lab.Result{Version: "v1"})
	s.observe(lab.Result{})
	began := time.Now()
	s.observe(lab.Result{Version: "v2"})
	s.observe(lab.Result{Version: "v2"})
	at, err := s.wait(t.Context())
	if err != nil || at.Before(began) {
		t.Errorf("seen at %v, %v; it was at %v", at, err, began)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.wait(ctx); err == nil {
		t.Error("one answer was seen twice")
	}
}

// TestMesh: the files hold exactly as many hosts as were asked for, and load.
func TestMesh(t *testing.T) {
	r, err := newRig(&machine{dir: t.TempDir()}, "setWeight: 20", "pause: {}")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}()
	const n = hostsAFile + 2
	if err := r.putMesh(n); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(r.folder.Dir(), "mesh-*.yaml")); len(files) != 2 {
		t.Errorf("the mesh is in %v", files)
	}
	objects, err := readObjects(r.folder.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(objects.HTTPRoutes) != n || len(objects.Services) != n || len(objects.Rollouts) != 1 {
		t.Errorf("%d routes, %d services, %d rollouts", len(objects.HTTPRoutes), len(objects.Services), len(objects.Rollouts))
	}
	if err := r.folder.Put("bad.yaml", "kind: Nothing"); err != nil {
		t.Fatal(err)
	}
	if _, err := readObjects(r.folder.Dir()); err == nil {
		t.Error("a folder with an error was read")
	}
}

// TestRigCloses: what was opened last is closed first, and a failure keeps
// nothing else open.
func TestRigCloses(t *testing.T) {
	var order []string
	r := &rig{}
	r.onClose(func() error { order = append(order, "first"); return nil })
	r.onClose(func() error { order = append(order, "second"); return os.ErrClosed })
	if err := r.close(); err == nil || strings.Join(order, " ") != "second first" {
		t.Errorf("closed %v: %v", order, err)
	}
	if err := r.close(); err != nil || len(order) != 2 {
		t.Errorf("a second close: %v, %v", err, order)
	}
}
