package commands

// tree is the whole command line: every command that exists is named here.
func tree() *noun {
	return &noun{
		name:  program,
		usage: "a hardware security module in one file",
		leaves: []leaf{
			createLeaf(),
			activateLeaf(),
			statusLeaf(),
			loginLeaf(),
			logoutLeaf(),
			whoamiLeaf(),
			zeroizeLeaf(),
			demoLeaf(),
			manLeaf(),
		},
		nouns: []noun{
			configNoun(),
			userNoun(),
			policyNoun(),
			keyNoun(),
			cryptoNoun(),
			vaultNoun(),
			backupNoun(),
			auditNoun(),
			imageNoun(),
			completionNoun(),
		},
	}
}

// commonFlags are taken by every leaf, also where no login is needed, so that
// an alias or a script can put them on any line.
func commonFlags() []flag {
	return []flag{
		textFlag("image", "FILE", "the image to work on (FILEHSM_IMAGE)"),
		textFlag("config", "FILE", "read this configuration (FILEHSM_CONFIG)"),
		switchFlag("json", "print one JSON object (FILEHSM_OUTPUT=json)"),
		periodFlag("lock-timeout", "wait this long for a busy image, default 10s"),
		textFlag("as", "NAME", "act as this user"),
		textFlag("password-file", "FILE", "read the password from FILE, - for standard input"),
		numberFlag("password-fd", "N", "read the password from this descriptor"),
		switchFlag("last-attempt", "try a password even if a wrong one wipes the image"),
	}
}

// newPasswordFlags are taken by the leaves that set a password.
func newPasswordFlags() []flag {
	return []flag{
		textFlag("new-password-file", "FILE", "read the new password from FILE, - for standard input"),
		numberFlag("new-password-fd", "N", "read the new password from this descriptor"),
		switchFlag("generate-password", "make a password of six words and print it once"),
	}
}

// newFlagTable maps every flag's name and letter to its declaration; one kind
// per name, which a test holds true.
func newFlagTable(root *noun) map[string]flag {
	table := map[string]flag{}
	add := func(all []flag) {
		for _, f := range all {
			table[f.name] = f
			if f.short != "" {
				table[f.short] = f
			}
		}
	}
	add(commonFlags())
	root.walk(func(_ []string, l *leaf) { add(l.flags) })
	return table
}
