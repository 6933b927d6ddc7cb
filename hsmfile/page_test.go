package hsmfile

import (
	"slices"
	"testing"
)

// TestPagesAcrossGenerations: each generation of a user has a label index of
// its own; a listing by label, one key a page, shows every key once all the
// same.
func TestPagesAcrossGenerations(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	want := []uint64{}
	for _, next := range []string{"another alice house", "a third alice house", "a fourth alice house"} {
		for range 3 {
			want = append(want, f.aes(alice, "same").Reference)
		}
		ok(t, alice.ChangePassword(f.ctx, pw(next)))
	}
	for _, words := range [][]string{{"same"}, nil} {
		got, token := []uint64{}, ""
		for pages := 0; pages == 0 || token != ""; pages++ {
			if pages > len(want) {
				t.Fatal("the pages do not end")
			}
			res := must[ListResult](t)(alice.ListKeys(f.ctx, filter(t, words...), ListOptions{MaxItems: 1, StartingToken: token}, func(k *Key) error {
				got = append(got, k.Reference)
				return nil
			}))
			if res.Total != len(want) {
				t.Errorf("%q: %d in all, want %d", words, res.Total, len(want))
			}
			token = res.NextToken
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: pages show %x, want %x", words, got, want)
		}
	}
}
