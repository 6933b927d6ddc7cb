package commands

// manDescription is what the manual page says before the commands.
var manDescription = []string{
	program + " gives an admin a hardware security module made of one file, the image. " +
		"It behaves as AWS CloudHSM does: officers (CO) manage users and never see a key, users (CU) own keys and use them " +
		"without seeing their bytes, appliance users (AU) make backups. Wrong passwords lock accounts or wipe the image; " +
		"encrypted and signed backups in vaults outside it bring every key back.",
	"Flags stand anywhere on a line. A list flag, shown with three dots, takes every word up to the next flag. " +
		"Results go to standard output, everything else to standard error. " +
		"A password is never the value of a flag: it comes from a file, a descriptor, the environment, the open session or the terminal, " +
		"whichever is there first.",
	"A newcomer begins with \"" + program + " demo\".",
}

// manEnvironment lists every variable that is read; a test compares.
var manEnvironment = [][2]string{
	{"FILEHSM_IMAGE", "The image to work on."},
	{"FILEHSM_CONFIG", "The configuration to read instead of the usual ones."},
	{"FILEHSM_OUTPUT", "\"json\" for one JSON object as the result, \"table\" for eyes."},
	{"FILEHSM_PIN", "Who acts and his password, as user:password."},
	{"CLOUDHSM_PIN", "The same, as CloudHSM's tools have it, after FILEHSM_PIN."},
	{"CLOUDHSM_ROLE", "The role that the user in one of these must have."},
	{"CREDENTIALS_DIRECTORY", "Where systemd puts credentials: " + program + "-pin in it is read as FILEHSM_PIN."},
	{"FILEHSM_SESSION", "The session file, instead of one under XDG_RUNTIME_DIR."},
	{"XDG_CONFIG_HOME", "Where the user's configuration is, instead of ~/.config."},
	{"XDG_DATA_HOME", "Where the image is that nobody named, instead of ~/.local/share."},
	{"XDG_STATE_HOME", "What is remembered of an image, instead of ~/.local/state."},
	{"XDG_RUNTIME_DIR", "Where session files are; without it they are in the state directory."},
	{"HOME", "The home directory, for what is named with ~ here."},
	{"TMPDIR", "Where a backup is collected, encrypted, before it goes to its vaults."},
}

// manFiles lists what lies where.
var manFiles = [][2]string{
	{"$XDG_DATA_HOME/" + program + "/default.hsm", "The image, if none is named."},
	{"IMAGE.lock", "Beside each image: where processes queue for it. It is empty, and can be deleted when none runs."},
	{"$XDG_CONFIG_HOME/" + program + "/config.toml", "The user's configuration. It is read and never written."},
	{systemConfig, "The configuration of those who have none."},
	{"$XDG_RUNTIME_DIR/" + program + "/", "Sessions, one file for each image."},
	{"$XDG_STATE_HOME/" + program + "/", "The newest audit entry seen of each image, to notice an older copy."},
	{"NAME.age, NAME.json, RESTORE.txt", "In a vault: a backup, its signed manifest, and how to restore without this page."},
}
