# SPDX-License-Identifier: GPL-3.0-or-later
set -l commands edit tokenize models describe
set -l none "not __fish_seen_subcommand_from $commands"
set -l edit '__fish_seen_subcommand_from edit'

complete -c espalier-cli -f
complete -c espalier-cli -n $none -a edit -d 'Edit a photo'
complete -c espalier-cli -n $none -a tokenize -d 'Token ids of the prompts on standard input'
complete -c espalier-cli -n $none -a models -d 'List the installed models'
complete -c espalier-cli -n $none -a describe -d 'Devices, model and parameters'
complete -c espalier-cli -n $none -l version -d 'Show the version'
complete -c espalier-cli -s h -l help -d 'Show help'

complete -c espalier-cli -n $edit -F
complete -c espalier-cli -n $edit -s p -l prompt -x -d 'What to change'
complete -c espalier-cli -n $edit -s o -l output -r -F -d 'Where to write the result'
complete -c espalier-cli -n '__fish_seen_subcommand_from edit tokenize describe' -l model -x -a '(__fish_complete_directories)' -d 'Model folder'
complete -c espalier-cli -n $edit -l backend -x -a local -d 'Who does the work'
complete -c espalier-cli -n $edit -l negative-prompt -x -d 'What to keep away from'
complete -c espalier-cli -n $edit -l true-cfg -x -d 'Strength of the negative prompt'
complete -c espalier-cli -n $edit -l seed -x -d 'Random seed'
complete -c espalier-cli -n $edit -l steps -x -d 'Number of steps'
complete -c espalier-cli -n $edit -l guidance -x -d 'How closely to follow the prompt'
complete -c espalier-cli -n $edit -l size -x -a 'auto match' -d 'Size of the result'
complete -c espalier-cli -n $edit -l multi-ref -x -a 'offset index' -d 'Placement of several inputs'
complete -c espalier-cli -n $edit -l device -x -a 'auto cpu cuda' -d 'Where to compute'
complete -c espalier-cli -n $edit -l dtype -x -a 'auto f32 bf16' -d 'Number format'
complete -c espalier-cli -n $edit -l threads -x -d 'Processor threads; 0 takes all cores'
complete -c espalier-cli -n $edit -l vae-tiling -x -a 'auto off on' -d 'Large pictures in tiles'
complete -c espalier-cli -n $edit -l noise -r -F -d 'Take the noise from a file'
complete -c espalier-cli -n $edit -l dump -r -F -d 'Write every intermediate tensor'
complete -c espalier-cli -n $edit -l no-metadata -d 'Leave the recipe out of the result'
complete -c espalier-cli -n $edit -s q -l quiet -d 'Print nothing but errors'
complete -c espalier-cli -n '__fish_seen_subcommand_from edit models describe' -l json -d 'Print JSON'
