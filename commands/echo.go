package commands

import "golang.org/x/sys/unix"

// echoOff turns the echo off before the prompt is shown, or what is typed until
// it is read would stand on the screen. Lines and Ctrl-C work, whatever a program
// before us left; all else stays.
func echoOff(fd int) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ECHO
	t.Lflag |= unix.ICANON | unix.ISIG
	t.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(fd, setTermios, t)
}

// typedUnseen reads one line, byte by byte, so that what was typed ahead waits
// for the next prompt. Ctrl-D gives nothing up to then, which x/term's
// ReadPassword does not notice: nothing is offered, so nothing is counted.
func typedUnseen(fd int) ([]byte, error) {
	text := make([]byte, 0, maxPassword) // one piece, so that no copy stays behind; a terminal's line is shorter
	var b [1]byte
	defer clear(b[:])
	for {
		n, err := unix.Read(fd, b[:])
		switch {
		case err == unix.EINTR:
		case err != nil || n == 0:
			clear(text)
			return nil, err
		case b[0] == '\n':
			return text, nil
		case b[0] == '\b': // where the terminal's own key for it is another
			text = text[:max(0, len(text)-1)]
		case len(text) < cap(text):
			text = append(text, b[0])
		}
	}
}
