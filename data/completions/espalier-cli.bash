# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for espalier-cli; needs nothing beyond bash itself.

_espalier_cli_commands='edit compose new import run sweep tree log export verify providers jobs tokenize models
  describe'
_espalier_cli_photos='\.(png|jpe?g|webp|gif|tiff?|avif|hei[cf])$'
_espalier_cli_edit_options='-p --prompt -o --output --model --component --backend --negative-prompt --true-cfg
  --seed --steps --step-cache --guidance --size --multi-ref --device --dtype --vram --blas --explain-memory --threads --vae-tiling --lora --lora-partial
  --keep-untouched --region --mask-out --noise --dump
  --set --config --base-url --own-host --key-file --patience --cancel-on-interrupt
  --no-metadata --no-cache --json -q --quiet -h --help'
_espalier_cli_compose_options='-o --output --mask --mask-out --keep-untouched --region --grow --feather --no-metadata --json -q --quiet -h --help'
_espalier_cli_axes='guidance= seed= steps= prompt= replace= negative_prompt= backend= model= preset= node= size='
_espalier_cli_jobs_options='--key-file --patience -o --output --cancel-on-interrupt --json -q --quiet -h --help'
_espalier_cli_run_options='--node -p --prompt --negative-prompt --set --lora --lora-partial --keep-untouched --region --variations --seed --reference --backend --model
  --component -o --output --resume --config --base-url --own-host --key-file --patience --json -q --quiet -h --help'
_espalier_cli_sweep_options='--axis -p --prompt -o --output --document --node --negative-prompt --set --seed --steps
  --guidance --size --lora --lora-partial --keep-untouched --region --reference --backend --model --component --config --base-url --own-host --key-file --patience --order --jobs
  --draft-steps --refine --dry-run --limit --yes --columns --cell-size --dark --table --csv --json -q --quiet -h --help'
_espalier_cli_export_options='--node -o --output --part --leaves --path --animation --format --quality --lossless --max-side
  --recipe --strip --seconds --captions --json -q --quiet -h --help'
_espalier_cli_models_commands='list add download default locate remove inspect convert clear-cache'
_espalier_cli_models_default_options='--none --json -h --help'
_espalier_cli_models_locate_options='--anyway --json -h --help'
_espalier_cli_models_remove_options='--delete --dry-run --json -h --help'
_espalier_cli_models_convert_options='--type --json -q --quiet -h --help'
_espalier_cli_models_add_options='--name --component --copy --move --default --json -h --help'
_espalier_cli_models_download_options='--variant --accept-licence --token-stdin --token-file --limit --json -q --quiet
  -h --help'
_espalier_cli_import_options='--parent --json -h --help'
_espalier_cli_log_options='--node --json -h --help'

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

# Ids of the models on this computer, or with "download" of those that can be fetched.
_espalier_cli_model_ids ()
{
  "${COMP_WORDS[0]/#\~/$HOME}" models "$@" 2>/dev/null | sed -n 's/^[* ]* \{0,1\}\([^ ]*\) — .*$/\1/p'
}
_espalier_cli_models ()
{
  local cur=$1 what=${COMP_WORDS[2]}
  if ((COMP_CWORD == 2)); then
    if [[ $cur == -* ]]; then _espalier_cli_words '--json --help' "$cur"
    else _espalier_cli_words "$_espalier_cli_models_commands" "$cur"; fi
    return
  fi
  case $what in
    add)
      if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_models_add_options" "$cur"
      else compopt -o filenames 2>/dev/null; _espalier_cli_reply < <(compgen -f -- "$cur"); fi ;;
    download)
      if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_models_download_options" "$cur"
      else _espalier_cli_words "$(_espalier_cli_model_ids download)" "$cur"; fi ;;
    default)
      if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_models_default_options" "$cur"
      else _espalier_cli_words "$(_espalier_cli_model_ids)" "$cur"; fi ;;
    locate)
      if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_models_locate_options" "$cur"
      elif ((COMP_CWORD == 3)); then _espalier_cli_words "$(_espalier_cli_model_ids)" "$cur"
      else compopt -o filenames 2>/dev/null; _espalier_cli_reply < <(compgen -f -- "$cur"); fi ;;
    remove)
      if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_models_remove_options" "$cur"
      else _espalier_cli_words "$(_espalier_cli_model_ids)" "$cur"; fi ;;
    convert)
      if [[ $cur == -* ]]; then _espalier_cli_words '--type=q8_0 --type=q4_k --type=fp8 --type=bf16 -q --quiet --json --help' "$cur"
      elif [[ ${COMP_WORDS[COMP_CWORD-1]} == -t || ${COMP_WORDS[COMP_CWORD-1]} == --type || ${COMP_WORDS[COMP_CWORD-2]} == --type ]]; then
        _espalier_cli_words 'q8_0 q4_k fp8 bf16' "$cur"
      else compopt -o filenames 2>/dev/null; _espalier_cli_reply < <(compgen -f -- "$cur"); fi ;;
    list) _espalier_cli_words '--json --help' "$cur" ;;
    *)
      if [[ $cur == -* ]]; then _espalier_cli_words '--json --help' "$cur"
      else compopt -o filenames 2>/dev/null; _espalier_cli_reply < <(compgen -f -- "$cur"); fi ;;
  esac
}
# Ids of "espalier-cli providers" or "espalier-cli jobs"; what cannot be asked is left out.
_espalier_cli_ids ()
{
  "${COMP_WORDS[0]/#\~/$HOME}" "$1" 2>/dev/null |
    sed -n 's/^\([^ ]*\) — .*$/\1/p; s/^\([0-9a-f-]\{36\}\)  .*$/\1/p'
}

# A document first, and photos behind it where the command takes some.
_espalier_cli_document ()
{
  if [[ $2 == -* ]]; then _espalier_cli_words "$1" "$2"
  elif ((COMP_CWORD > 2)) && [[ ${COMP_WORDS[1]} == new || ${COMP_WORDS[1]} == import ]]; then
    _espalier_cli_files "$2" "$_espalier_cli_photos"
  else _espalier_cli_files "$2" '\.espalier$'; fi
}

_espalier_cli_value ()
{
  local cur=$2
  case $1 in
    --model)
      COMPREPLY=()
      if [[ ${COMP_WORDS[1]} != run && ${COMP_WORDS[1]} != sweep ]]; then
        _espalier_cli_files "$cur" '\.(safetensors|sft|gguf|index\.json)$'
      fi ;;
    --leaves|--path) compopt -o filenames 2>/dev/null; _espalier_cli_reply < <(compgen -d -- "$cur") ;;
    --animation) _espalier_cli_files "$cur" '\.(gif|webp|a?png)$' ;;
    --reference) _espalier_cli_files "$cur" "$_espalier_cli_photos" ;;
    --format) _espalier_cli_words 'original png jpeg webp tiff' "$cur" ;;
    --backend) _espalier_cli_words "local $(_espalier_cli_ids providers)" "$cur" ;;
    --key-file|--token-file) compopt -o filenames 2>/dev/null; _espalier_cli_reply < <(compgen -f -- "$cur") ;;
    --size) _espalier_cli_words 'auto match' "$cur" ;;
    --multi-ref) _espalier_cli_words 'offset index' "$cur" ;;
    --device) _espalier_cli_words 'auto cpu cuda' "$cur" ;;
    --dtype) _espalier_cli_words 'auto f32 bf16 fp8' "$cur" ;;
    --vram) _espalier_cli_words 'auto' "$cur" ;;
    --blas) _espalier_cli_words 'auto own cublaslt' "$cur" ;;
    --vae-tiling) _espalier_cli_words 'auto off on' "$cur" ;;
    --noise|--dump|--lora) _espalier_cli_files "$cur" '\.safetensors$' ;;
    --axis)
      compopt -o nospace 2>/dev/null
      _espalier_cli_words "$_espalier_cli_axes" "$cur" ;;
    --columns) _espalier_cli_words "${_espalier_cli_axes//=/}" "$cur" ;;
    --order) _espalier_cli_words 'listed near random' "$cur" ;;
    --refine) _espalier_cli_words all "$cur" ;;
    --document) _espalier_cli_files "$cur" '\.espalier$' ;;
    --csv) _espalier_cli_files "$cur" '\.csv$' ;;
    -o|--output) if [[ ${COMP_WORDS[1]} == sweep ]]; then _espalier_cli_files "$cur" '\.(png|jpe?g|webp|pdf)$'
      else _espalier_cli_files "$cur" '\.(png|jpe?g|webp|tiff?)$'; fi ;;
    -p|--prompt|--negative-prompt|--true-cfg|--seed|--steps|--guidance|--step-cache|--threads) COMPREPLY=() ;;
    --variant) _espalier_cli_words 'q4_k q8_0 fp8 bf16' "$cur" ;;
    --component)
      compopt -o nospace 2>/dev/null
      _espalier_cli_words 'transformer= clip= t5= vae= tokenizer= tokenizer_2=' "$cur" ;;
    --name) COMPREPLY=() ;;
    --base-url|--config|--patience|--jobs|--draft-steps|--limit|--cell-size) COMPREPLY=() ;;
    --node|--parent|--set|--variations|--quality|--max-side|--seconds) COMPREPLY=() ;;
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
    else _espalier_cli_files "$cur" "$_espalier_cli_photos"; fi
  elif [[ $command == run ]]; then
    _espalier_cli_document "$_espalier_cli_run_options" "$cur"
  elif [[ $command == sweep ]]; then
    if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_sweep_options" "$cur"
    else _espalier_cli_files "$cur" "(\.espalier|${_espalier_cli_photos})$"; fi
  elif [[ $command == export ]]; then
    _espalier_cli_document "$_espalier_cli_export_options" "$cur"
  elif [[ $command == log ]]; then
    _espalier_cli_document "$_espalier_cli_log_options" "$cur"
  elif [[ $command == tree || $command == new ]]; then
    _espalier_cli_document '--json --help' "$cur"
  elif [[ $command == import ]]; then
    _espalier_cli_document "$_espalier_cli_import_options" "$cur"
  elif [[ $command == verify ]]; then
    _espalier_cli_document '--help' "$cur"
  elif [[ $command == providers ]]; then
    if [[ $cur == -* ]]; then _espalier_cli_words '--json --help' "$cur"
    elif ((COMP_CWORD == 2)); then _espalier_cli_words check "$cur"
    else _espalier_cli_files "$cur" '\.json$'; fi
  elif [[ $command == models ]]; then
    _espalier_cli_models "$cur"
  elif [[ $command == jobs ]]; then
    if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_jobs_options" "$cur"
    elif ((COMP_CWORD == 2)); then _espalier_cli_words 'resume forget' "$cur"
    else _espalier_cli_words "$(_espalier_cli_ids jobs)" "$cur"; fi
  elif [[ $command == compose ]]; then
    if [[ $cur == -* ]]; then _espalier_cli_words "$_espalier_cli_compose_options" "$cur"
    else _espalier_cli_files "$cur" "$_espalier_cli_photos"; fi
  elif [[ $command == tokenize ]]; then
    _espalier_cli_words '--model --component --help' "$cur"
  elif [[ $command == describe ]]; then
    _espalier_cli_words '--model --component --json --help' "$cur"
  else
    _espalier_cli_words '--json --help' "$cur"
  fi
}

complete -F _espalier_cli espalier-cli
