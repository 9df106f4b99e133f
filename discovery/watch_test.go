package discovery_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/discovery"
)

// quick makes tests wait less than users do.
var quick = discovery.Options{Debounce: 5 * time.Millisecond, Retry: 5 * time.Millisecond, MaxRetry: 20 * time.Millisecond}

// folder writes a Service each and loads the folder.
func folder(t *testing.T) (dir string, f *discovery.Folder, first discovery.Result) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "config")
	write(t, dir, "shop.yaml", shop)
	write(t, dir, "cart.yaml", cart)
	f = discovery.NewFolder(dir, quick)
	return dir, f, load(t, f)
}

func TestRunChange(t *testing.T) {
	dir, f, first := folder(t)
	r := start(t, f)
	write(t, dir, "shop.yaml", shop81)
	got := r.until(t, "the new port", func(r discovery.Result) bool {
		return r.Objects != nil && r.Objects.Services[key("shop")] != nil &&
			r.Objects.Services[key("shop")].Spec.Ports[0].Port == 81
	})
	if got.Objects.Services[key("cart")] != first.Objects.Services[key("cart")] {
		t.Error("a Service that did not change is not shared")
	}
	if _, there := got.Files["shop.yaml"]; !there || string(got.Files["shop.yaml"]) != shop81 {
		t.Errorf("files hold %q", got.Files)
	}
}

func TestRunAddAndRemove(t *testing.T) {
	dir, f, _ := folder(t)
	r := start(t, f)
	write(t, dir, "new/deep/extra.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: extra}\n")
	got := r.until(t, "the Service of a new folder", hasServices("shop", "cart", "extra"))
	if diff := cmp.Diff([]discovery.Ref{{Kind: "Service", Key: key("extra")}}, got.Changed); diff != "" || got.Removed != nil {
		t.Errorf("removed %v, changed %s", got.Removed, diff)
	}
	must(t, os.RemoveAll(filepath.Join(dir, "new")))
	got = r.until(t, "its end", hasServices("shop", "cart"))
	if diff := cmp.Diff([]discovery.Ref{{Kind: "Service", Key: key("extra")}}, got.Removed); diff != "" || got.Changed != nil {
		t.Errorf("changed %v, removed %s", got.Changed, diff)
	}
	// The name of a removed folder can come back.
	write(t, dir, "new/deep/extra.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: again}\n")
	r.until(t, "the Service of the folder that came back", hasServices("shop", "cart", "again"))
}

// TestRunRename writes as editors do: a new file takes the old one's place.
func TestRunRename(t *testing.T) {
	dir, f, _ := folder(t)
	r := start(t, f)
	for _, name := range []string{"one", "two", "three"} {
		write(t, dir, ".cart.tmp", "apiVersion: v1\nkind: Service\nmetadata: {name: "+name+"}\n")
		must(t, os.Rename(filepath.Join(dir, ".cart.tmp"), filepath.Join(dir, "cart.yaml")))
		r.until(t, name, hasServices("shop", name))
	}
}

// TestRunConfigMap swaps a link to a hidden folder, as Kubernetes does for a
// mounted ConfigMap.
func TestRunConfigMap(t *testing.T) {
	dir := t.TempDir()
	version := func(name, text string) {
		write(t, dir, ".."+name+"/objects.yaml", text)
		must(t, os.Symlink(".."+name, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	version("one", shop)
	must(t, os.Symlink("..data/objects.yaml", filepath.Join(dir, "objects.yaml")))
	f := discovery.NewFolder(dir, quick)
	if first := load(t, f); !hasServices("shop")(first) {
		t.Fatalf("findings %q", text(first.Findings))
	}
	r := start(t, f)
	version("two", cart)
	must(t, os.RemoveAll(filepath.Join(dir, "..one")))
	r.until(t, "the second version", hasServices("cart"))
	version("three", shop)
	r.until(t, "the third version", hasServices("shop"))
}

// TestRunError proves that an error gives no objects, and its end the ones from
// before.
func TestRunError(t *testing.T) {
	dir, f, first := folder(t)
	r := start(t, f)
	write(t, dir, "more.yaml", broken)
	got := r.until(t, "the error", isRefused)
	want := []string{filepath.Join(dir, "more.yaml") + ":4:8: E102 spec.portz: unknown field; did you mean ports?"}
	if diff := cmp.Diff(want, text(got.Findings)); diff != "" {
		t.Error(diff)
	}
	must(t, os.Remove(filepath.Join(dir, "more.yaml")))
	got = r.until(t, "the end of the error", hasServices("shop", "cart"))
	if got.Objects != first.Objects || len(got.Findings) != 0 || got.Changed != nil || got.Removed != nil {
		t.Errorf("after the error: changed %v, removed %v, findings %q", got.Changed, got.Removed, text(got.Findings))
	}
}

// TestRunFolderGone proves that a folder that disappears takes nothing down,
// and that it is watched again when it is back.
func TestRunFolderGone(t *testing.T) {
	dir, f, first := folder(t)
	r := start(t, f)
	away := filepath.Join(t.TempDir(), "away")
	must(t, os.Rename(dir, away))
	got := r.until(t, "the error", isRefused)
	if len(got.Findings) != 1 || got.Findings[0].Code != "E100" || got.Findings[0].File != dir {
		t.Errorf("findings %q", text(got.Findings))
	}
	must(t, os.Rename(away, dir))
	got = r.until(t, "the folder", func(r discovery.Result) bool { return r.Objects != nil })
	if got.Objects != first.Objects || len(got.Findings) != 0 {
		t.Errorf("the folder came back with other objects, findings %q", text(got.Findings))
	}
	// Another folder of the same name is watched, not the one from before.
	must(t, os.Rename(dir, away))
	write(t, dir, "a.yaml", shop)
	r.until(t, "the new folder", hasServices("shop"))
	write(t, dir, "a.yaml", cart)
	r.until(t, "a change in the new folder", hasServices("cart"))
}

// TestRunLastFile proves that a folder without files is no empty set.
func TestRunLastFile(t *testing.T) {
	dir, f, _ := folder(t)
	r := start(t, f)
	must(t, os.Remove(filepath.Join(dir, "shop.yaml")))
	r.until(t, "one file less", hasServices("cart"))
	must(t, os.Remove(filepath.Join(dir, "cart.yaml")))
	if got := r.until(t, "the error", isRefused); len(got.Findings) != 1 || got.Findings[0].Code != "E100" {
		t.Errorf("findings %q", text(got.Findings))
	}
	write(t, dir, "shop.yaml", shop)
	r.until(t, "a file", hasServices("shop"))
}

// TestRunEmptiedFile proves that a file without its objects, which is how one
// looks while it is written over, removes nothing, however often it is looked at.
func TestRunEmptiedFile(t *testing.T) {
	dir, f, _ := folder(t)
	r := start(t, f)
	for _, blank := range []string{"", "\n \n"} {
		write(t, dir, "shop.yaml", blank)
		got := r.until(t, "the error", isRefused)
		if len(got.Findings) != 1 || got.Findings[0].Code != "E100" || got.Findings[0].File != filepath.Join(dir, "shop.yaml") {
			t.Errorf("findings %q", text(got.Findings))
		}
		write(t, dir, "more.yaml", broken) // another look
		r.until(t, "two errors", func(r discovery.Result) bool { return len(r.Findings) == 2 })
		must(t, os.Remove(filepath.Join(dir, "more.yaml")))
		r.until(t, "one error", func(r discovery.Result) bool { return len(r.Findings) == 1 })
		write(t, dir, "shop.yaml", shop)
		r.until(t, "the file", hasServices("shop", "cart"))
	}
	write(t, dir, "shop.yaml", "# nothing here\n")
	r.until(t, "a file of comments", hasServices("cart"))
}

// TestRunMendedFile: a file with an error that is written over removes nothing either.
func TestRunMendedFile(t *testing.T) {
	dir, f, _ := folder(t)
	write(t, dir, "shop.yaml", "kind: [")
	r := start(t, f)
	r.until(t, "the error in it", isRefused)
	write(t, dir, "shop.yaml", "")
	got := r.until(t, "that it is empty", func(r discovery.Result) bool {
		return len(r.Findings) == 1 && r.Findings[0].Code == "E100"
	})
	if got.Objects != nil {
		t.Error("what was there is gone")
	}
	write(t, dir, "shop.yaml", shop)
	r.until(t, "the file", hasServices("shop", "cart"))
}

// TestRunFindsWhatChangedSinceLoad also proves that Run says nothing when
// nothing is new: its first Result is the change.
func TestRunFindsWhatChangedSinceLoad(t *testing.T) {
	dir, f, _ := folder(t)
	must(t, os.Remove(filepath.Join(dir, "cart.yaml")))
	r := start(t, f)
	r.until(t, "the change", func(r discovery.Result) bool {
		if !hasServices("shop")(r) {
			t.Errorf("the first Result is no news: changed %v", r.Changed)
		}
		return true
	})
}

// TestRunWithoutLoad gives the first set, whatever it is.
func TestRunWithoutLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	r := start(t, discovery.NewFolder(dir, quick))
	r.until(t, "the missing folder", isRefused)
	write(t, dir, "a.yaml", shop)
	r.until(t, "the folder", hasServices("shop"))
}
