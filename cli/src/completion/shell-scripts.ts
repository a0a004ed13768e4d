/**
 * The scripts that make a shell ask `telegram-backup __complete` for words. They evaluate nothing that comes
 * from there: bash quotes each word, zsh and fish quote what they insert by themselves.
 */
export const SHELL_SCRIPTS: Readonly<Record<string, string>> = {
  bash: String.raw`# bash completion for telegram-backup
_telegram_backup() {
  local -a words=()
  local word value help quoted kind='' glued='' i
  # bash cuts words at ":" and "=": put them together again.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${'$'}{COMP_WORDS[i]}
    if [[ ${'$'}{#words[@]} -gt 0 && ( -n $glued || $word == [:=]* ) ]]; then
      words[${'$'}{#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    if [[ $word == *[:=] ]]; then glued=1; else glued=''; fi
  done
  local current=${'$'}{words[${'$'}{#words[@]} - 1]}
  # What stands before the last ":" or "=" is not replaced.
  local head=''
  [[ $current == *[:=]* ]] && head=${'$'}{current%"${'$'}{current##*[:=]}"}
  COMPREPLY=()
  {
    IFS= read -r kind
    while IFS=$'\t' read -r value help; do
      [[ $value == "$current"* ]] || continue
      printf -v quoted %q "${'$'}{value#"$head"}"
      COMPREPLY+=("$quoted")
    done
  } < <(telegram-backup __complete -- "${'$'}{words[@]}" 2>/dev/null)
  case $kind in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
  esac
}
complete -F _telegram_backup telegram-backup
`,
  zsh: String.raw`#compdef telegram-backup
_telegram-backup() {
  local kind value help
  local -a values shown
  {
    IFS= read -r kind
    while IFS=$'\t' read -r value help; do
      values+=("$value")
      shown+=("$value${'$'}{help:+  -- $help}")
    done
  } < <(telegram-backup __complete -- "${'$'}{(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)
  case $kind in
    files) compset -P '--*='; _files ;;
    directories) compset -P '--*='; _files -/ ;;
    *) (( ${'$'}{#values} )) && compadd -l -d shown -a -- values ;;
  esac
}
if [[ $funcstack[1] == _telegram-backup ]]; then
  _telegram-backup "$@"
else
  compdef _telegram-backup telegram-backup
fi
`,
  fish: String.raw`# fish completion for telegram-backup
function __telegram_backup_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines (telegram-backup __complete -- $words "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case directories
            __fish_complete_directories "$current"
        case '*'
            set -e lines[1]
            printf '%s\n' $lines
    end
end
complete -c telegram-backup -f -a '(__telegram_backup_complete)'
`,
}
