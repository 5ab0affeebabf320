# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for espalier-cli; needs nothing beyond bash itself.

_espalier_cli_commands='edit tokenize models describe'
_espalier_cli_edit_options='-p --prompt -o --output --model --backend --negative-prompt --true-cfg
  --seed --steps --guidance --size --multi-ref --device --dtype --threads --vae-tiling --noise --dump
  --no-metadata --json -q --quiet -h --help'

# Lines, so that names with spaces stay whole.
_espalier_cli_reply ()
{
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}

_espalier_cli_files ()
{
  local cur=$1 pattern=$2
  compopt -o filenames 2>/dev/null
  _espalier_cli_reply < <(
    compgen -d -- "$cur"
    compgen -f -- "$cur" | while IFS= read -r name; do
      [[ ! -d $name && ${name,,} =~ $pattern ]] && printf '%s\n' "$name"
    done)
}

_espalier_cli_words ()
{
  _espalier_cli_reply < <(compgen -W "$1" -- "$2")
}

_espalier_cli_value ()
{
  local cur=$2
  case $1 in
    --model) compopt -o filenames 2>/dev/null; _espalier_cli_reply < <(compgen -d -- "$cur") ;;
    --backend) _espalier_cli_words local "$cur" ;;
    --size) _espalier_cli_words 'auto match' "$cur" ;;
    --multi-ref) _espalier_cli_words 'offset index' "$cur" ;;
    --device) _espalier_cli_words 'auto cpu cuda' "$cur" ;;
    --dtype) _espalier_cli_words 'auto f32 bf16' "$cur" ;;
    --vae-tiling) _espalier_cli_words 'auto off on' "$cur" ;;
    --noise|--dump) _espalier_cli_files "$cur" '\.safetensors$' ;;
    -o|--output) _espalier_cli_files "$cur" '\.(png|jpe?g|webp)$' ;;
    -p|--prompt|--negative-prompt|--true-cfg|--seed|--steps|--guidance|--threads) COMPREPLY=() ;;
    *) return 1 ;;
  esac
}

_espalier_cli ()
{
  local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  COMPREPLY=()
  # bash splits --size=auto at the sign.
  if [[ $cur == = ]]; then cur=
  elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi

  if ((COMP_CWORD == 1)); then
    _espalier_cli_words "$_espalier_cli_commands --help --version" "$cur"
  elif _espalier_cli_value "$previous" "$cur"; then
    return
  elif [[ $command == edit ]]; then
    if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_edit_options" "$cur"
    else _espalier_cli_files "$cur" '\.(png|jpe?g|webp|gif|tiff?|avif|hei[cf])$'; fi
  elif [[ $command == tokenize ]]; then
    _espalier_cli_words '--model --help' "$cur"
  elif [[ $command == describe ]]; then
    _espalier_cli_words '--model --json --help' "$cur"
  else
    _espalier_cli_words '--json --help' "$cur"
  fi
}

complete -F _espalier_cli espalier-cli
