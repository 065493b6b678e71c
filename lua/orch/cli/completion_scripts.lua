-- What each shell evaluates to complete orch's words. They ask `orch __complete`, which
-- answers on descriptor 3: whatever a script prints or complains of is dropped.

return {
bash = [==[
_orch_complete() {
  local line kind=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then
      kind=$line
    else
      printf -v line '%q' "$line"
      COMPREPLY+=("$line")
    fi
  done < <("$1" __complete 3 bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" \
    3>&1 >/dev/null 2>&1 </dev/null)
  if [[ $kind == files ]]; then
    compopt -o default 2>/dev/null
  elif [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then
    compopt -o nospace 2>/dev/null
  fi
  return 0
}
complete -F _orch_complete orch
]==],

zsh = [==[
#compdef orch
_orch() {
  local kind name help
  local -a names shown folders
  {
    IFS= read -r kind
    while IFS=$'\t' read -r name help; do
      if [[ $name == */ ]]; then
        folders+=("$name")
      else
        names+=("$name")
        shown+=("$name${help:+  -- $help}")
      fi
    done
  } < <("${words[1]}" __complete 3 zsh "" "${(j: :)words[1,CURRENT-1]} $PREFIX" \
    3>&1 >/dev/null 2>&1 </dev/null)
  if [[ $kind == files ]]; then
    _files
    return
  fi
  (( $#folders )) && compadd -S '' -a folders
  (( $#names )) && compadd -l -d shown -a names
  return 0
}
if [[ $funcstack[1] == _orch ]]; then
  _orch "$@"
elif (( $+functions[compdef] )); then
  compdef _orch orch
fi
]==],

fish = [==[
function __orch_complete
    set -l line (commandline -cp)
    set -l found (orch __complete 3 fish "" "$line" 3>&1 >/dev/null 2>/dev/null </dev/null)
    set -q found[1]; or return
    set -l kind $found[1]
    set -e found[1]
    if test "$kind" = files
        __fish_complete_path (commandline -ct)
    else if set -q found[1]
        printf '%s\n' $found
    end
end
complete -c orch -f -a '(__orch_complete)'
]==],
}
