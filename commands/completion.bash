# Completion of filehsm for bash. Use it with: source <(filehsm completion bash)

# bash splits words at "="; filehsm puts them together again, and answers only
# with what bash would replace. No mapfile: macOS has bash 3.2.
_filehsm() {
	local current=${COMP_WORDS[COMP_CWORD]} kind= line
	[[ $current == = ]] && current=
	COMPREPLY=()
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		if [[ -z $kind ]]; then
			kind=$line
		else
			COMPREPLY+=("$line")
			[[ $line == *= ]] && compopt -o nospace 2>/dev/null # a value follows
		fi
	done < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
	case $kind in
	files) kind=-f ;;
	directories) kind=-d ;;
	*) return ;;
	esac
	compopt -o filenames 2>/dev/null
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen "$kind" -- "$current")
}

complete -F _filehsm filehsm
