import { quoted } from './quote.ts';
import { allCommands, type CompletedCommand, type Values } from './tree.ts';

/**
 * The script for bash, from version 3.2 (of macOS) on. bash splits the line at `:`, `=` and `@`,
 * too, which images contain: the script reads the line itself, and leaves out of each answer what
 * stands before the last of them.
 * https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html
 */
export function bashScript(tree: CompletedCommand): string {
  return `# bash completion for drayage; made by: drayage completion bash

# What can follow a command: its commands, options, what its options take, and its arguments.
_drayage_at() {
  commands='' options='' takes='' arguments=''
  case $1 in
${allCommands(tree).map(caseOf).join('\n')}
  esac
}

# Candidates of a kind that begin with a word, one on a line.
_drayage_candidates() {
  case $1 in
    files) compgen -f -- "$2" ;;
    folders) compgen -d -- "$2" ;;
    images) "$program" complete images "$2" 2>/dev/null ;;
    choices=*) compgen -W "$(printf %s "\${1#choices=}" | tr , ' ')" -- "$2" ;;
  esac
}

# Takes candidates from standard input.
_drayage_reply() {
  local word=$1 before='' candidate sign
  for sign in : = @; do
    if [[ $COMP_WORDBREAKS == *"$sign"* && $word == *"$sign"* ]]; then
      candidate=\${word%"$sign"*}$sign
      [ \${#candidate} -gt \${#before} ] && before=$candidate
    fi
  done
  while IFS= read -r candidate; do
    [[ $candidate == "$word"* ]] && COMPREPLY+=("\${candidate#"$before"}")
  done
}

_drayage() {
  local program=$1 line=\${COMP_LINE:0:COMP_POINT} words word current pending='' path=drayage count=0
  local commands options takes arguments kinds index last value
  COMPREPLY=()
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  last=$((\${#words[@]} - 1))
  current=\${words[last]}
  _drayage_at "$path"
  for ((index = 1; index < last; index++)); do
    word=\${words[index]}
    if [ -n "$pending" ]; then
      pending=''
    elif [[ $word == -* ]]; then
      [[ $word != *=* && " $takes " == *" $word:"* ]] && pending=$word
    elif [ "$count" -eq 0 ] && [[ " $commands " == *" $word "* ]]; then
      path="$path $word"
      _drayage_at "$path"
    else
      count=$((count + 1))
    fi
  done
  if [[ $current == --*=* ]]; then
    pending=\${current%%=*}
    current=\${current#*=}
  fi
  if [ -n "$pending" ]; then
    for value in $takes; do
      [[ $value == "$pending":* ]] && kinds=\${value#"$pending":}
    done
  elif [[ $current == -* ]]; then
    _drayage_reply "$current" < <(compgen -W "$options" -- "$current")
    return
  elif [ -n "$commands" ] && [ "$count" -eq 0 ]; then
    _drayage_reply "$current" < <(compgen -W "$commands" -- "$current")
    return
  else
    # Its own kind for each argument; the last is repeated if it may be.
    index=0
    for value in $arguments; do
      if [ "$index" -eq "$count" ] || { [ "$index" -lt "$count" ] && [[ $value == *... ]]; }; then
        kinds=\${value%...}
      fi
      index=$((index + 1))
    done
  fi
  case $kinds in
    files | folders) compopt -o filenames 2>/dev/null ;;
  esac
  _drayage_reply "$current" < <(_drayage_candidates "$kinds" "$current")
}

complete -F _drayage drayage
`;
}

function caseOf({ path, commands, options, arguments: given }: CompletedCommand): string {
  const names = options.flatMap((option) => option.names);
  const takes = options.flatMap(({ names: own, value }) =>
    value === undefined ? [] : own.map((name) => `${name}:${kindOf(value)}`),
  );
  const parts = [
    ['commands', commands.map((each) => each.path.at(-1) ?? '')],
    ['options', names],
    ['takes', takes],
    ['arguments', given.map(({ values, isVariadic }) => `${kindOf(values)}${isVariadic ? '...' : ''}`)],
  ] as const;
  const sets = parts
    .filter(([, words]) => words.length > 0)
    .map(([name, words]) => `${name}=${quoted(words.join(' '))}`);
  return `    ${quoted(path.join(' '))}) ${sets.join(' ')} ;;`;
}

function kindOf(values: Values): string {
  return values.kind === 'choices' ? `choices=${values.choices.join(',')}` : values.kind;
}
