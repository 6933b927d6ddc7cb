package commands

import _ "embed"

// The scripts know no command, flag or name: they hand the words before the
// cursor to the hidden first word completeWord and put its answer into the
// form that their shell wants. So a script of last year completes what is new.
var (
	//go:embed completion.bash
	bashScript string
	//go:embed completion.zsh
	zshScript string
	//go:embed completion.fish
	fishScript string
)

func completionNoun() noun {
	return noun{
		name:  "completion",
		usage: "completion of commands, flags and names in the shell",
		leaves: []leaf{
			completionLeaf("bash", "source <("+program+" completion bash)", bashScript),
			completionLeaf("zsh", program+` completion zsh > "${fpath[1]}/_`+program+`"`, zshScript),
			completionLeaf("fish", program+" completion fish > ~/.config/fish/completions/"+program+".fish", fishScript),
		},
	}
}

// completionLeaf prints one script; turnOn is the line that puts it to use.
func completionLeaf(shell, turnOn, script string) leaf {
	return leaf{
		name:    shell,
		usage:   "print the completion script for " + shell + "; to use it: " + turnOn,
		example: program + " completion " + shell,
		run: func(*call) (*Result, error) {
			return &Result{Data: object{{"shell", shell}, {"script", script}}, Raw: []byte(script)}, nil
		},
	}
}
