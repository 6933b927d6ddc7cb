package commands

// cloudHSMFlags are CloudHSM's flags that have no counterpart here, and why:
// whoever brings a script along is told what to change in it.
var cloudHSMFlags = []struct{ flag, text, hint string }{
	{"session", "there are no session keys: every key is stored in the image", "leave it out; key delete removes a key that is no longer needed"},
	{"cluster-id", "there are no clusters: an HSM is one image", "leave it out; --image FILE says which one"},
	{"approval", noApproval, leaveOut},
	{"payload-approval", noApproval, leaveOut},
	{"wrapping-approval", noApproval, leaveOut},
	{"manage-key-quorum-value", noApproval, leaveOut},
	{"use-key-quorum-value", noApproval, leaveOut},
	{"manage-private-key-quorum-value", noApproval, leaveOut},
	{"use-private-key-quorum-value", noApproval, leaveOut},
}

const (
	noApproval = "keys need no approval by other users"
	leaveOut   = "leave it out"
)

// cloudHSMFlag refuses such a flag; nil if it is none.
func cloudHSMFlag(name string) error {
	for _, f := range cloudHSMFlags {
		if f.flag == name {
			return usageError(f.hint, "unsupported flag --%s: %s", f.flag, f.text)
		}
	}
	return nil
}
