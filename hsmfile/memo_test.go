package hsmfile

import (
	"errors"
	"testing"
)

// TestMemo: the same bytes are decoded once, others each time they come, and what
// cannot be decoded is not remembered.
func TestMemo(t *testing.T) {
	var m memo[string]
	calls := 0
	decode := func(b []byte) (string, error) {
		if calls++; string(b) == "bad" {
			return "", errors.New("bad")
		}
		return "<" + string(b) + ">", nil
	}
	for _, step := range []struct {
		stored, want string
		calls        int
	}{{"a", "<a>", 1}, {"a", "<a>", 1}, {"bad", "", 2}, {"bad", "", 3}, {"a", "<a>", 3}, {"b", "<b>", 4}, {"a", "<a>", 5}, {"", "<>", 6}} {
		got, err := m.of([]byte(step.stored), decode)
		if got != step.want || calls != step.calls || (err != nil) != (step.stored == "bad") {
			t.Errorf("%q: %q, %v after %d calls, want %q after %d", step.stored, got, err, calls, step.want, step.calls)
		}
	}
	m.set([]byte("c"), "set")
	if got, _ := m.of([]byte("c"), decode); got != "set" || calls != 6 {
		t.Errorf("c: %q after %d calls", got, calls)
	}
}

// TestHeld: two sessions of one user, in images of their own, take turns: each
// counts what the other did. A listing compares the keys with the holdings.
func TestHeld(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	one := f.login("alice")
	f.reopen()
	two := f.login("alice")
	for i := range 5 {
		f.aes(one, "a")
		f.aes(one, "b")
		f.aes(two, "c")
		if i%2 == 0 {
			f.aes(two, "d")
		}
		must[*Key](t)(two.DeleteKey(f.ctx, filter(t, "a")))
		if got, want := len(f.list(one)), 2*(i+1)+(i+2)/2; got != want {
			t.Errorf("round %d: %d keys are listed, want %d", i, got, want)
		}
	}
}
