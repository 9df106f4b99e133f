package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// ErrInUse is wrapped by Open when another server has the data file open.
var ErrInUse = errors.New("in use by another server")

// ErrDamaged is wrapped where the data file is not as a server left it, or not
// Serin's.
var ErrDamaged = errors.New("it is damaged or not Serin's")

// Open opens the data file in a folder; both are created where absent. A file
// that is there is never begun anew: one that is empty, torn or of another
// program is refused.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data folder %q: %w%s", dir, err, remedy(err))
	}
	path := filepath.Join(dir, FileName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = create(dir, path)
	case err == nil && info.Size() == 0:
		err = fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	if err != nil {
		return nil, openError(path, err)
	}
	s := &Store{path: path, wake: make(chan struct{}, 1)}
	if err := guarded(s.open); err != nil {
		return nil, openError(path, err)
	}
	return s, nil
}

// open opens a file that is there and looks whether it is ours.
func (s *Store) open() (err error) {
	if s.db, err = bbolt.Open(s.path, 0o600, settings()); err != nil {
		return reason(err)
	}
	if err := errors.Join(s.whole(), s.prepare()); err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

// reason says in our words what bbolt says in its own. What the system did not
// refuse is the file's fault.
func reason(err error) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	case errors.As(err, &errno):
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

func settings() *bbolt.Options {
	return &bbolt.Options{Timeout: 500 * time.Millisecond, FreelistType: bbolt.FreelistMapType}
}

// create makes the data file. It gets its name when it is complete: what a crash
// leaves behind under another name is nobody's state.
func create(dir, path string) error {
	file, err := os.CreateTemp(dir, FileName+".new-*")
	if err != nil {
		return err
	}
	temporary := file.Name()
	defer func() { _ = os.Remove(temporary) }()
	if err := file.Close(); err != nil {
		return err
	}
	db, err := bbolt.Open(temporary, 0o600, settings())
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(layOut), db.Close()); err != nil {
		return err
	}
	// A link, other than a rename, replaces no file that another server has made
	// meanwhile; that one's is as good. Not every file system has links.
	err = os.Link(temporary, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(temporary, path)
	} else {
		err = nil
	}
	return errors.Join(err, syncFolder(dir))
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// layOut makes the buckets of a new file.
func layOut(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketRollouts, bucketJournal} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFormat, []byte(format))
}

// whole refuses a file that is shorter than it says: to read the rest of it
// would be a fault.
func (s *Store) whole() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	return s.db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%w: it has %d bytes of %d", ErrDamaged, info.Size(), tx.Size())
		}
		return nil
	})
}

// prepare refuses the file of another program, or of another format. The format
// before, which had no sums, is brought up to date.
func (s *Store) prepare() error {
	var have string
	err := s.db.View(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketRollouts, bucketJournal} {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: it has no bucket %q", ErrDamaged, name)
			}
		}
		have = string(tx.Bucket(bucketMeta).Get(keyFormat))
		return nil
	})
	switch {
	case err != nil || have == format:
		return err
	case have == formatWithoutSums:
		return s.db.Update(seal)
	}
	return fmt.Errorf("it has format %q, this program reads %s: use the version of Serin that wrote it", have, format)
}

// openError says what a user can do about a file that does not open.
func openError(path string, err error) error {
	return fmt.Errorf("opening the data file %q: %w%s", path, err, remedy(err))
}

// remedy says what to do about an error, as the end of its sentence.
func remedy(err error) string {
	switch {
	case errors.Is(err, ErrInUse):
		return ": stop it, or give this one another --data-dir"
	case errors.Is(err, ErrDamaged):
		return ": move it away to start without history, or restore a copy"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ": the user that Serin runs as must be able to write there, or give another --data-dir"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return ": make room on the disk"
	}
	return ""
}
