package hsmfile

import (
	"errors"
	"os"
	"testing"
)

// TestCreateActiveAtOnce: whoever opens an image while it is made with its first
// officer finds none, or a whole one: never one to activate, which the maker would
// have to take away again.
func TestCreateActiveAtOnce(t *testing.T) {
	path := t.TempDir() + "/x.hsm"
	for range 10 {
		seen := make(chan State)
		go func() {
			for {
				im, err := Open(t.Context(), path, Options{})
				switch {
				case err == nil:
					seen <- im.Info().State
					return
				case !errors.Is(err, ErrNotFound):
					t.Error(err)
				}
			}
		}()
		s := must[*Session](t)(CreateActive(t.Context(), path, CreateSpec{Label: "x"}, "admin", pw(passCO), Options{}))
		if at := <-seen; at != Active || s.Image().Info().State != Active {
			t.Errorf("it was seen %s, its maker has it %s", at, s.Image().Info().State)
		}
		ok(t, s.CreateUser(t.Context(), "alice", CU, pw(passAlice)))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCreateActiveFails: what cannot be made leaves nothing.
func TestCreateActiveFails(t *testing.T) {
	dir := t.TempDir()
	for what, password := range map[string]string{"a short password": "short", "no password": ""} {
		if _, err := CreateActive(t.Context(), dir+"/x.hsm", CreateSpec{Label: "x"}, "admin", pw(password), Options{}); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left is %v, %v", left, err)
	}
}
