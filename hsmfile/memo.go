package hsmfile

import (
	"bytes"
	"sync/atomic"
)

// memo is the last record of a kind that was decoded, and what it was decoded
// from: every transaction reads it first, and mostly it is as it was. Whoever gets
// the value does not change what it points to.
type memo[T any] struct {
	last atomic.Pointer[memoized[T]]
}

type memoized[T any] struct {
	stored []byte
	value  T
}

// of decodes a stored record, unless it is the last one.
func (m *memo[T]) of(stored []byte, decode func([]byte) (T, error)) (T, error) {
	if last := m.last.Load(); last != nil && bytes.Equal(last.stored, stored) {
		return last.value, nil
	}
	value, err := decode(stored)
	if err == nil {
		m.set(stored, value)
	}
	return value, err
}

// set says what a stored record decodes to.
func (m *memo[T]) set(stored []byte, value T) { m.last.Store(&memoized[T]{stored, value}) }
