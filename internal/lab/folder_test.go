package lab

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// shop is the application of these tests.
func shop() App {
	return App{
		Name: "shop", Host: "shop.example", Gateways: []string{"edge"},
		Versions: map[string][]string{"v1": {"127.0.0.1:9001"}, "v2": {"127.0.0.1:9002", "127.0.0.2:9003"}},
		Version:  "v1",
		Steps:    []string{"setWeight: 5", "pause: {duration: 10s}"},
	}
}

// decode reads a folder the way the control plane does, and gives what it has
// to say.
func decode(t *testing.T, dir string) (docs []api.Document, findings []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []api.Finding
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		d, f := api.Decode(entry.Name(), data)
		docs, all = append(docs, d...), append(all, f...)
	}
	all = append(all, api.Validate(docs)...)
	for _, f := range all {
		findings = append(findings, f.String())
	}
	return docs, findings
}

func newFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := NewFolder(filepath.Join(t.TempDir(), "config"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.PutGateway("edge", 10000); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFolderHoldsWhatSerinReads(t *testing.T) {
	f := newFolder(t)
	if err := f.PutApp(shop()); err != nil {
		t.Fatal(err)
	}
	docs, findings := decode(t, f.Dir())
	if len(findings) > 0 {
		t.Errorf("the folder has findings:\n%s", strings.Join(findings, "\n"))
	}
	var got []string
	for _, d := range docs {
		if d.Object == nil {
			t.Errorf("%s %s was not read", d.Kind, d.Key)
		}
		got = append(got, d.Kind+" "+d.Key.String())
	}
	want := []string{
		"Gateway default/edge", "Service default/shop", "HTTPRoute default/shop",
		"EndpointSlice default/shop-v1-0", "EndpointSlice default/shop-v2-0", "EndpointSlice default/shop-v2-1",
		"Rollout default/shop",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the objects are wrong (-want +got):\n%s", diff)
	}
}

// rollout gives the Rollout of a folder.
func rollout(t *testing.T, f *Folder) *api.Rollout {
	t.Helper()
	docs, _ := decode(t, f.Dir())
	for _, d := range docs {
		if r, ok := d.Object.(*api.Rollout); ok {
			return r
		}
	}
	t.Fatal("there is no Rollout")
	return nil
}

func TestFolderWritesTheRollout(t *testing.T) {
	f := newFolder(t)
	a := shop()
	a.Guard = "{mode: observe, confidence: 0.99}"
	if err := f.PutApp(a); err != nil {
		t.Fatal(err)
	}
	r := rollout(t, f)
	if r.Version() != "v1" || len(r.Steps()) != 2 || r.Guard().Mode != api.GuardObserve || r.Guard().Confidence != 0.99 {
		t.Errorf("version %q, %d steps, guard %+v", r.Version(), len(r.Steps()), r.Guard())
	}
	if err := f.SetVersion("shop", "1.10"); err != nil { // a number, were it not quoted
		t.Fatal(err)
	}
	if got := rollout(t, f).Version(); got != "1.10" {
		t.Errorf("after SetVersion the version is %q", got)
	}
	a.Steps = nil
	if err := f.PutApp(a); err != nil {
		t.Fatal(err)
	}
	if n := len(rollout(t, f).Steps()); n != 0 {
		t.Errorf("an application without steps has %d", n)
	}
}

// addresses gives the endpoints of a version in a folder.
func addresses(t *testing.T, f *Folder, version string) []string {
	t.Helper()
	var out []string
	docs, _ := decode(t, f.Dir())
	for _, d := range docs {
		s, ok := d.Object.(*api.EndpointSlice)
		if ok && api.SliceVersion(s) == version {
			out = append(out, s.Endpoints[0].Addresses...)
		}
	}
	return out
}

func TestFolderSetEndpoints(t *testing.T) {
	f := newFolder(t)
	a := shop()
	if err := f.PutApp(a); err != nil {
		t.Fatal(err)
	}
	if err := f.SetEndpoints("shop", "v2"); err != nil {
		t.Fatal(err)
	}
	if got := addresses(t, f, "v2"); got != nil {
		t.Errorf("a version without endpoints has %v", got)
	}
	if err := f.SetEndpoints("shop", "v3", "127.0.0.9:1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"127.0.0.9"}, addresses(t, f, "v3")); diff != "" {
		t.Errorf("the endpoints of v3 (-want +got):\n%s", diff)
	}
	if len(a.Versions["v2"]) != 2 || a.Versions["v3"] != nil {
		t.Errorf("the caller's versions were changed: %v", a.Versions)
	}
}

func TestFolderRefuses(t *testing.T) {
	f := newFolder(t)
	bad := shop()
	bad.Versions = map[string][]string{"v1": {"127.0.0.1"}}
	for name, err := range map[string]error{
		"an endpoint without a port": f.PutApp(bad),
		"an unknown application":     f.SetVersion("cart", "v1"),
		"an unknown file":            f.Remove("cart.yaml"),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := f.Remove("gateway-edge.yaml"); err != nil {
		t.Error(err)
	}
	if docs, _ := decode(t, f.Dir()); len(docs) != 0 {
		t.Errorf("%d objects are left", len(docs))
	}
}

// A reader finds either text whole, whenever it looks.
func TestFolderPutIsAtomic(t *testing.T) {
	f := newFolder(t)
	texts := []string{strings.Repeat("a", 1<<16), strings.Repeat("b", 1<<15)}
	if err := f.Put("x", texts[0]); err != nil {
		t.Fatal(err)
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 200 {
			if err := f.Put("x", texts[i%2]); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		data, err := os.ReadFile(filepath.Join(f.Dir(), "x"))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(data); got != texts[0] && got != texts[1] {
			t.Fatalf("a reader saw %d bytes, which is neither text", len(got))
		}
	}
	writer.Wait()
	entries, err := os.ReadDir(f.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("%d files are left, want the gateway and x", len(entries))
	}
}
