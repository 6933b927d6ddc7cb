# Completion of filehsm for fish. Use it with:
# filehsm completion fish > ~/.config/fish/completions/filehsm.fish

function __filehsm_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (command $before[1] __complete $before[2..-1] "$current" 2>/dev/null </dev/null)
    set -l flag (string match -r -- '^--[^=]*=' "$current")
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$answer[1]"
        case files
            printf "$flag%s\n" (__fish_complete_path "$value")
        case directories
            printf "$flag%s\n" (__fish_complete_directories "$value")
        case words
            printf '%s\n' $answer[2..-1]
    end
end

complete -c filehsm -f -a '(__filehsm_complete)'
