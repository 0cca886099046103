import { allCommands, type CompletedCommand, type CompletedOption, type Values } from './tree.ts';

/**
 * The script for fish: a rule for each command, option and argument, on condition of the commands
 * before it.
 * https://fishshell.com/docs/current/completions.html
 */
export function fishScript(tree: CompletedCommand): string {
  const below = allCommands(tree).slice(1);
  return `# fish completion for drayage; made by: drayage completion fish

# The commands of the line so far: 'webhooks list'.
function __drayage_path
    set -l path
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; and continue
        set -l next (string join ' ' -- $path $word)
        contains -- $next ${below.map(({ path }) => quotedFish(placeOf(path))).join(' ')}; or break
        set path $next
    end
    echo "$path"
end

function __drayage_at
    test (__drayage_path) = "$argv[1]"
end

function __drayage_images
    command drayage complete images (commandline -ct) 2>/dev/null
end

# Files only where an option or an argument is one.
complete -c drayage -f
${allCommands(tree).flatMap(rulesOf).join('\n')}
`;
}

function rulesOf({ path, commands, options, arguments: given }: CompletedCommand): string[] {
  const rule = `complete -c drayage -n ${quotedFish(`__drayage_at '${placeOf(path)}'`)}`;
  return [
    ...commands.map(
      (each) => `${rule} -a ${quotedFish(each.path.at(-1) ?? '')} -d ${quotedFish(each.description)}`,
    ),
    ...options.map((option) => `${rule} ${optionOf(option)}`),
    ...[...new Set(given.map(({ values }) => candidatesOf(values)))]
      .filter((candidates) => candidates !== '')
      .map((candidates) => `${rule} ${candidates}`),
  ];
}

/** The commands without the program. */
function placeOf(path: readonly string[]): string {
  return path.slice(1).join(' ');
}

function optionOf({ names, description, value }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const taking = value === undefined ? [] : value.kind === 'files' ? ['-r -F'] : ['-x', candidatesOf(value)];
  return [...flags, ...taking.filter((part) => part !== ''), `-d ${quotedFish(description)}`].join(' ');
}

function candidatesOf(values: Values): string {
  switch (values.kind) {
    case 'choices':
      return `-a ${quotedFish(values.choices.join(' '))}`;
    case 'files':
      return '-F';
    case 'folders':
      return `-a '(__fish_complete_directories)'`;
    case 'images':
      return `-a '(__drayage_images)'`;
    case 'nothing':
      return '';
  }
}

/** In single quotes, fish knows only these two escapes. */
function quotedFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
