package commands

// A demoStep is one command of the demo: what is said before it, the words as
// they are typed, and the exit code that it must have.
type demoStep struct {
	say  string
	line string
	code int
}

// demoFiles are the files that the demo's commands read; the passwords are
// the demo's own and open nothing else.
var demoFiles = []struct{ name, content string }{
	{"admin.pw", "blue horses count slowly\n"},
	{"alice.pw", "seven kettles sing\n"},
	{"robot.pw", "only at seventeen past two\n"},
	{"typo.pw", "blue horses cuont slowly\n"},
	{"order.txt", "pay 12.50 to the bakery\n"},
}

// demoSteps is the incident, from the first key to the last. RECIPIENT stands
// for the recipient that keygen has just made.
var demoSteps = []demoStep{
	{"An HSM is one file. Its first officer (CO) manages users, and never sees a key.",
		"filehsm create --label prod --username admin --new-password-file admin.pw", 0},
	{"Alice (CU) owns keys and uses them. Robot (AU) makes backups, and can do nothing else.",
		"filehsm user create --username alice --role CU --new-password-file alice.pw --as admin --password-file admin.pw", 0},
	{"", "filehsm user create --username robot --role AU --new-password-file robot.pw --as admin --password-file admin.pw", 0},
	{"Alice logs in for a quarter of an hour, and makes keys.",
		"filehsm login --username alice --password-file alice.pw", 0},
	{"", "filehsm key generate-symmetric aes --label kek --usage wrap", 0},
	{"", "filehsm key generate-symmetric aes --label data --usage encrypt", 0},
	{"", "filehsm key generate-asymmetric-pair ec --label payments --usage sign", 0},
	{"She signs an order, and wraps a key for a partner.",
		"filehsm crypto sign ecdsa --key-filter payments --data-path order.txt --path order.sig", 0},
	{"", "filehsm key wrap aes-zero-pad --payload-filter data --wrapping-filter kek --path data.wrapped", 0},
	{"The keys exist once. So: a vault outside, and an age identity that opens it.",
		"filehsm vault keygen --identity key.txt", 0},
	{"", "filehsm vault add usb usb --recipient RECIPIENT --as admin --password-file admin.pw", 0},
	{"This line is the whole nightly job.",
		"filehsm backup create --as robot --password-file robot.pw", 0},
	{"Now the accident. Somebody mistypes the officer's password. And again.",
		"filehsm user unlock --username alice --as admin --password-file typo.pw", 3},
	{"", "filehsm user unlock --username alice --as admin --password-file typo.pw", 3},
	{"The third attempt could wipe everything. It is refused before it is tried …",
		"filehsm user unlock --username alice --as admin --password-file typo.pw", 14},
	{"… unless somebody insists.",
		"filehsm user unlock --username alice --as admin --password-file typo.pw --last-attempt", 3},
	{"Every key is gone: the file holds none any more, whoever looks.",
		"filehsm key list --as alice --password-file alice.pw", 5},
	{"But the backup is not in the file.",
		"filehsm backup restore --vault usb --identity key.txt", 0},
	{"Alice's keys are back, and do what they did before.",
		"filehsm login --username alice --password-file alice.pw", 0},
	{"", "filehsm key list", 0},
	{"", "filehsm crypto verify ecdsa --key-filter payments --data-path order.txt --signature-path order.sig", 0},
	{"", "filehsm key unwrap aes-zero-pad --filter kek --data-path data.wrapped --key-type-class aes --label data-again --usage encrypt", 0},
	{"And all of it stands in the audit log, which nobody could wipe.",
		"filehsm audit log --last 8", 0},
	{"", "filehsm audit verify --vault usb", 0},
	{"What is not yet safe, `status` says.", "filehsm status", 0},
}
