package commands

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// lookLimit bounds a look into a vault: a directory that does not answer by
// then is a network mount whose server is gone.
const lookLimit = 20 * time.Second

// grace is how long an action that was told to stop gets to tidy up.
const grace = 2 * time.Second

// errNoAnswer: the time was over.
var errNoAnswer = errors.New("no answer")

// within runs act and gives up after limit. Cancelling alone is not enough: a
// system call on a dead network mount returns when the kernel lets it, so act
// runs aside and is left behind if it must be.
func within[T any](ctx context.Context, limit time.Duration, act func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	late := fmt.Errorf("%w within %s", errNoAnswer, limit)
	inner, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	done := make(chan outcome, 1)
	go func() {
		value, err := act(inner)
		done <- outcome{value, err}
	}()
	var o outcome
	select {
	case o = <-done:
	case <-inner.Done():
		select {
		case o = <-done:
		case <-time.After(grace):
			o.err = inner.Err()
		}
	}
	switch {
	case o.err == nil:
		return o.value, nil
	case ctx.Err() != nil:
		return o.value, interrupted()
	case errors.Is(o.err, context.DeadlineExceeded):
		return o.value, late
	}
	return o.value, o.err
}
