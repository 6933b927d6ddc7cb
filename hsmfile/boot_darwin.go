package hsmfile

import "golang.org/x/sys/unix"

// bootID names this boot of the machine, so that no session outlives it. An
// empty id leaves the expiry alone to end a session.
func bootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
