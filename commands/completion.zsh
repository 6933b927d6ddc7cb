#compdef filehsm
# Completion of filehsm for zsh. Put it into a directory of $fpath as _filehsm,
# or after compinit: source <(filehsm completion zsh)

_filehsm() {
	local -a answer whole open
	local line word about
	integer none=1
	answer=("${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
	case $answer[1] in
	files)
		[[ $PREFIX == --*=* ]] && compset -P '*='
		_files && none=0
		;;
	directories)
		[[ $PREFIX == --*=* ]] && compset -P '*='
		_files -/ && none=0
		;;
	words)
		for line in "${(@)answer[2,-1]}"; do
			word=${line%%$'\t'*}
			about=${line#*$'\t'}
			if [[ $word == *= ]]; then
				open+=("${word//:/\\:}:$about") # a value follows
			else
				whole+=("${word//:/\\:}:$about")
			fi
		done
		(( $#whole )) && _describe -V 'filehsm' whole && none=0
		(( $#open )) && _describe -V 'filehsm' open -S '' && none=0
		;;
	esac
	return none
}

# The file is the function itself where zsh loads it from $fpath.
if [[ $funcstack[1] == _filehsm ]]; then
	_filehsm "$@"
else
	compdef _filehsm filehsm
fi
