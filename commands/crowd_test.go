package commands

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowdRounds is how many commands each of the crowd runs.
const crowdRounds = 4

// crowdPatience is how long each waits for the others.
const crowdPatience = 5 * time.Minute

// A comer to the crowd runs its line again and again. outdated says that its
// user is changed meanwhile: that ends it with a wrong password (3) or, between
// its login and its work, with a refusal (8). Nobody else may fail.
type comer struct {
	line     string // %d is the round
	outdated bool
	once     bool
}

// crowd is sixteen processes at a time. In their midst bob's password changes
// and carol is deleted; what fails is what those two must bring about.
func crowd() (all []comer) {
	patient := fmt.Sprintf(" --lock-timeout %s", crowdPatience)
	for i := range 5 {
		all = append(all, comer{line: fmt.Sprintf("key generate-symmetric aes --label crowd-%d-%%d", i) + byAlice})
	}
	for range 2 {
		all = append(all,
			comer{line: "crypto sign ecdsa --key-filter signer --data-path admin.pw" + byAlice},
			comer{line: "key list" + byAlice},
			comer{line: "key list" + byBob, outdated: true},
			comer{line: "key generate-symmetric aes --label carols-%d --as carol --password-file wrong.pw", outdated: true},
		)
	}
	all = append(all,
		comer{line: "backup create" + byAdmin},
		comer{line: "user change-password --new-password-file new.pw" + byBob, once: true},
		comer{line: "user delete --username carol --confirm carol" + byAdmin, once: true},
	)
	for i := range all {
		all[i].line += patient
	}
	return all
}

// Sixteen at once: nothing fails that need not, nothing confirmed is lost, and
// the chain is whole.
func TestCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: short")
	}
	s := newScene(t)
	s.populate()
	s.must("user create --username carol --role CU --new-password-file wrong.pw" + byAdmin)
	s.must("key generate-asymmetric-pair ec --label signer --usage sign" + byAlice)

	all := crowd()
	if len(all) != 16 {
		t.Fatalf("a crowd of %d", len(all))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*crowdPatience)
	defer cancel()
	var wait sync.WaitGroup
	for _, m := range all {
		wait.Go(func() { s.join(ctx, m) })
	}
	wait.Wait()
	s.afterCrowd()
}

func (s *scene) join(ctx context.Context, m comer) {
	for round := range crowdRounds {
		line := strings.Replace(m.line, "%d", fmt.Sprint(round), 1)
		o, err := s.processIn(ctx, line)
		if err != nil {
			s.t.Error(err)
			return
		}
		if o.code != 0 {
			if !m.outdated || (o.code != 3 && o.code != 8) {
				s.t.Errorf("%s: exit %d\n%s", line, o.code, o.err)
			}
			return // a second try with the old password would only lock the account
		}
		if m.once {
			return
		}
	}
}

func (s *scene) afterCrowd() {
	s.t.Helper()
	s.must("image check")
	s.must("audit verify --all --vault usb")
	s.must("backup verify --vault usb --identity key.txt")
	want := []string{"first", "second", "signer", "signer"}
	for i := range 5 {
		for round := range crowdRounds {
			want = append(want, fmt.Sprintf("crowd-%d-%d", i, round))
		}
	}
	slices.Sort(want)
	if labels, _ := s.labels(byAlice); !slices.Equal(labels, want) {
		s.t.Errorf("alice has %q\nconfirmed were %q", labels, want)
	}
	s.must("key list --as bob --password-file new.pw")
	if o := s.must("user list"); strings.Contains(o.out, "carol") {
		s.t.Errorf("carol is still there:\n%s", o.out)
	}
	if left, _ := os.ReadDir(s.path("tmp")); len(left) > 0 {
		s.t.Errorf("%d files are left in the temporary directory", len(left))
	}
}
