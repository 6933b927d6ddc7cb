package filestore

import (
	"fmt"
	"testing"

	"filehsm/hsmfile/internal/store"
)

var benchSizes = []int{10, 100_000}

func benchStore(b *testing.B, count int) *Store {
	b.Helper()
	s := newStore(b, nil)
	for start := 0; start < count; start += 10_000 {
		mustUpdate(b, s, func(w store.Writer) error {
			for i := start; i < min(count, start+10_000); i++ {
				if err := w.Put(benchKey(i), make([]byte, 400)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return s
}

func benchKey(i int) string { return fmt.Sprintf("k/%08d", i*7919%1_000_000) }

func BenchmarkGet(b *testing.B) {
	for _, count := range benchSizes {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			s := benchStore(b, count)
			for i := 0; b.Loop(); i++ {
				err := s.View(b.Context(), func(r store.Reader) error {
					v, err := r.Get(benchKey(i % count))
					if len(v) != 400 {
						b.Errorf("Get gave %d bytes", len(v))
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, count := range benchSizes {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			s := benchStore(b, count)
			for i := 0; b.Loop(); i++ {
				mustUpdate(b, s, func(w store.Writer) error { return w.Put(benchKey(i%count), make([]byte, 400)) })
			}
		})
	}
}

func BenchmarkScrub(b *testing.B) {
	for _, count := range benchSizes {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			s := benchStore(b, count)
			for b.Loop() {
				if err := s.Scrub(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLoad is a new set of 100,000 records, put in order.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		s := newStore(b, nil)
		mustUpdate(b, s, func(w store.Writer) error { return putRun(w, 0, 100_000) })
	}
}

// BenchmarkWalk is over 100,000 records that came in any order.
func BenchmarkWalk(b *testing.B) {
	s := benchStore(b, 100_000)
	for b.Loop() {
		n := 0
		err := s.View(b.Context(), func(r store.Reader) error {
			return r.Walk("", "", func(_, value []byte) error { n += len(value); return nil })
		})
		if err != nil || n != 400*100_000 {
			b.Fatal(n, err)
		}
	}
}
