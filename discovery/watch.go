package discovery

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// patience is how many times the debounce a folder that is never quiet may hold
// up a reading.
const patience = 10

// Run watches the folder and calls out with each Result that says something
// new, until ctx ends; then it gives nil. A folder that cannot be read at any
// time after the start is a finding, and is looked for again. An error means
// that the machine gives no watches.
func (f *Folder) Run(ctx context.Context, out func(Result)) error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching the folder %q: %w", f.dir, err)
	}
	defer func() { _ = notify.Close() }() // nothing is lost with its watches
	w := &watcher{folder: f, notify: notify, watched: map[string]fs.FileInfo{}}
	w.wait = time.NewTimer(0) // what changed since Load
	defer w.wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event := <-notify.Events:
			if w.concerns(event) {
				w.soon()
			}
		case <-notify.Errors: //nolint:errcheck // such as events lost for their number: the next look finds what they told
			w.soon()
		case <-w.wait.C:
			w.look(out)
		}
	}
}

// watcher joins a Folder with the events of the file system. The goroutine of
// Run owns it.
type watcher struct {
	folder  *Folder
	notify  *fsnotify.Watcher
	watched map[string]fs.FileInfo // by folder; which one it was
	current map[string]bool        // folders of the walk under way

	wait    *time.Timer   // until the next look
	pending time.Time     // since when there is something to look at, or zero
	retry   time.Duration // the wait for a folder that is not there, or 0
	failed  bool          // a folder of this walk cannot be watched
}

// concerns reports whether an event may change the objects. The folder's parent
// is watched for the folder itself, not for its neighbours.
func (w *watcher) concerns(event fsnotify.Event) bool {
	name := filepath.Clean(event.Name)
	root := w.folder.path(".")
	parent := filepath.Dir(root)
	return name == root || name == parent || filepath.Dir(name) != parent || parent == root
}

// soon sets the next look to when the folder will have been quiet for a while,
// but not later than patience allows.
func (w *watcher) soon() {
	now := time.Now()
	if w.pending.IsZero() {
		w.pending = now
	}
	debounce := w.folder.opts.Debounce
	w.wait.Reset(min(debounce, w.pending.Add(patience*debounce).Sub(now)))
}

// look reads the folder and tells what is new.
func (w *watcher) look(out func(Result)) {
	w.pending, w.current, w.failed = time.Time{}, map[string]bool{}, false
	f := w.folder
	root := f.path(".")
	if info, err := os.Stat(filepath.Dir(root)); err == nil {
		w.watch(filepath.Dir(root), info)
	}
	var r Result
	s, err := f.scan(w.watch)
	if err != nil {
		r = f.gone(fmt.Sprintf("the folder cannot be read; what ran goes on: %v", err))
	} else {
		r = f.take(s)
	}
	w.forget()
	w.again(err != nil || w.failed)
	if f.isNews(r) {
		f.remember(r)
		out(r)
	}
}

// again looks once more, later and later, while the folder cannot be watched.
func (w *watcher) again(broken bool) {
	if !broken {
		w.retry = 0
		return
	}
	w.retry = min(max(2*w.retry, w.folder.opts.Retry), w.folder.opts.MaxRetry)
	w.wait.Reset(w.retry)
}

// watch watches a folder, and one that took the place of another anew: a watch
// follows the folder, not the name.
func (w *watcher) watch(dir string, info fs.FileInfo) {
	w.current[dir] = true
	if before, there := w.watched[dir]; there {
		if os.SameFile(before, info) {
			return
		}
		_ = w.notify.Remove(dir) // gone with its folder, more often than not
	}
	if err := w.notify.Add(dir); err != nil {
		w.failed = true // a missing watch is made up for by looking again
		delete(w.watched, dir)
		return
	}
	w.watched[dir] = info
}

// forget ends the watches of folders that are no longer part of it.
func (w *watcher) forget() {
	for dir := range w.watched {
		if !w.current[dir] {
			_ = w.notify.Remove(dir) // gone with its folder, more often than not
			delete(w.watched, dir)
		}
	}
}
