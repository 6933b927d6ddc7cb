package commands

import "golang.org/x/sys/unix"

// echoOff turns the echo off before the prompt is shown: x/term does it only
// when it reads, and what is typed in between would stand on the screen. All
// else stays, Ctrl-C among it.
func echoOff(fd int) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(fd, setTermios, t)
}
