import { quoted } from './quote.ts';
import { allCommands, type CompletedCommand, type CompletedOption, type Values } from './tree.ts';

/**
 * The script for zsh: a function for each command, in the terms of `_arguments`.
 * https://zsh.sourceforge.io/Doc/Release/Completion-System.html#Completion-Functions
 */
export function zshScript(tree: CompletedCommand): string {
  return `#compdef drayage
# zsh completion for drayage; made by: drayage completion zsh

_drayage_images() {
  local -a images
  images=(\${(f)"$(_call_program images drayage complete images \${(q)PREFIX} 2>/dev/null)"})
  compadd -- $images
}

${allCommands(tree).toReversed().map(functionOf).join('\n\n')}

# Sourced, it registers itself; from a folder of $fpath, it is called.
if [ "$funcstack[1]" = '_drayage' ]; then
  _drayage "$@"
else
  compdef _drayage drayage
fi
`;
}

function functionOf(command: CompletedCommand): string {
  return command.commands.length > 0 ? branchFunction(command) : leafFunction(command);
}

function branchFunction(command: CompletedCommand): string {
  const list = command.commands.map(
    ({ path, description }) => `        ${quoted(`${path.at(-1)}:${description}`)}`,
  );
  const cases = command.commands.map(({ path }) => `        ${path.at(-1)}) ${functionName(path)} ;;`);
  return `${functionName(command.path)}() {
  local curcontext="$curcontext" state line
  _arguments -C \\
${[...command.options.flatMap(optionSpecs), quoted('1: :->command'), quoted('*:: :->rest')].map((spec) => `    ${spec}`).join(' \\\n')}
  case $state in
    command)
      local -a commands=(
${list.join('\n')}
      )
      _describe -t commands command commands
      ;;
    rest)
      case $words[1] in
${cases.join('\n')}
      esac
      ;;
  esac
}`;
}

function leafFunction({ path, options, arguments: given }: CompletedCommand): string {
  const specs = [
    ...options.flatMap(optionSpecs),
    ...given.map(({ name, values, isVariadic }) =>
      quoted(`${isVariadic ? '*' : ''}:${name}:${actionOf(values)}`),
    ),
  ];
  return `${functionName(path)}() {
  _arguments -s \\
${specs.map((spec) => `    ${spec}`).join(' \\\n')}
}`;
}

function functionName(path: readonly string[]): string {
  return `_${path.join('_').replaceAll('-', '_')}`;
}

/** A spec for each name; having one of them leaves out the others, unless it may be repeated. */
function optionSpecs({ names, description, value, isRepeatable }: CompletedOption): string[] {
  const others = isRepeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  return names.map((name) => {
    const isLong = name.startsWith('--');
    const taking = value === undefined ? '' : isLong ? '=' : '+';
    const action = value === undefined ? '' : `:${name.replace(/^-+/, '')}:${actionOf(value)}`;
    return quoted(`${others}${name}${taking}[${escaped(description)}]${action}`);
  });
}

/** Text in brackets of a spec. */
function escaped(text: string): string {
  return text.replace(/[[\]\\]/g, '\\$&');
}

function actionOf(values: Values): string {
  switch (values.kind) {
    case 'choices':
      return `(${values.choices.join(' ')})`;
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'images':
      return '_drayage_images';
    case 'nothing':
      return ' ';
  }
}
