package commands

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// A pagesVictim is an image of which two pages are exchanged. The ways are
// numbered: each pair of pages as they are, then each pair with its numbers
// put right, as somebody would who knows the format.
type pagesVictim struct{ imageVictim }

func tamperPages(t *testing.T) {
	s := tamperScene(t)
	image := s.read("prod.hsm")
	places, n := imagePlaces(image), len(image)/imagePage
	for _, at := range s.tamper("pages", newFlipRun(n*n*2, 80), 1) {
		a, b, _ := pair(at, n)
		if !(unused(places, a) && unused(places, b)) && a != b && !equalPages(image, a, b) {
			t.Errorf("pages %d and %d exchanged (%d): nothing was found", a, b, at)
		}
	}
}

// pair is what a way to exchange pages is about.
func pair(at, n int) (a, b int, renumbered bool) { return at % n, at / n % n, at >= n*n }

// unused says whether a page holds nothing.
func unused(places []string, page int) bool {
	p := places[page*imagePage]
	return p == "free page" || p == pastTheLast
}

func equalPages(image []byte, a, b int) bool {
	return bytes.Equal(image[a*imagePage:][:imagePage], image[b*imagePage:][:imagePage])
}

func (v *pagesVictim) flip(at int) verdict {
	a, b, renumbered := pair(at, len(v.image)/imagePage)
	image := bytes.Clone(v.image)
	copy(image[a*imagePage:], v.image[b*imagePage:][:imagePage])
	copy(image[b*imagePage:], v.image[a*imagePage:][:imagePage])
	d := accident
	if renumbered {
		d = rollback // a free page may hold what one in use held before
		binary.NativeEndian.PutUint64(image[a*imagePage:], uint64(a))
		binary.NativeEndian.PutUint64(image[b*imagePage:], uint64(b))
	}
	return v.use(image, d)
}

// A lengthVictim is an image that ends too early, at a page or in one, or too
// late.
type lengthVictim struct{ imageVictim }

func tamperLength(t *testing.T) {
	s := tamperScene(t)
	image := s.read("prod.hsm")
	places, n := imagePlaces(image), 2*len(image)/imagePage
	for _, at := range s.tamper("length", newFlipRun(n+4, 16), 1) {
		if size := at * imagePage / 2; size < len(image) && places[size] != pastTheLast {
			t.Errorf("an image of %d bytes, not %d: nothing was found", size, len(image))
		}
	}
}

func (v *lengthVictim) flip(at int) verdict {
	image := append(bytes.Clone(v.image), bytes.Repeat([]byte{0xa5}, 2*imagePage)...)
	return v.use(image[:at*imagePage/2], accident)
}
