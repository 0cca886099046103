import type { Argument, Command, Option } from 'commander';

/** What a value can be completed with. */
export type Values =
  | { kind: 'choices'; choices: readonly string[] }
  | { kind: 'files' }
  | { kind: 'folders' }
  /** Images that are mirrored. */
  | { kind: 'images' }
  /** Only the user knows it. */
  | { kind: 'nothing' };

/** An option as a shell completes it. */
export interface CompletedOption {
  /** `-l`, `--long`. */
  names: string[];
  description: string;
  /** Absent: it takes no value. */
  value?: Values;
  isRepeatable: boolean;
}

/** An argument as a shell completes it. */
export interface CompletedArgument {
  name: string;
  values: Values;
  isVariadic: boolean;
}

/** A command with everything that can follow it. */
export interface CompletedCommand {
  /** The words from the program to it: `['drayage', 'webhooks', 'list']`. */
  path: string[];
  description: string;
  commands: CompletedCommand[];
  options: CompletedOption[];
  arguments: CompletedArgument[];
}

/** The placeholders in options and arguments that say what their values are. */
const byPlaceholder: Readonly<Record<string, Values>> = {
  file: { kind: 'files' },
  folder: { kind: 'folders' },
  ref: { kind: 'images' },
  image: { kind: 'images' },
};

/** What there is to complete, read from the commands themselves; hidden commands are left out. */
export function completionTree(command: Command, before: readonly string[] = []): CompletedCommand {
  const path = [...before, command.name()];
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    commands: help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .map((each) => completionTree(each, path)),
    options: help.visibleOptions(command).map(completedOption),
    arguments: command.registeredArguments.map(completedArgument),
  };
}

function completedOption(option: Option): CompletedOption {
  const { short, long, description, required, optional, variadic, argChoices, flags, parseArg } = option;
  const [, placeholder = ''] = /[<[]([^>\].]+)/.exec(flags) ?? [];
  return {
    names: [short, long].filter((name) => name !== undefined),
    description,
    ...((required || optional) && { value: valuesOf(placeholder, argChoices) }),
    isRepeatable: variadic || (parseArg !== undefined && /may be repeated/.test(description)),
  };
}

function completedArgument(argument: Argument): CompletedArgument {
  const name = argument.name();
  return { name, values: valuesOf(name, argument.argChoices), isVariadic: argument.variadic };
}

function valuesOf(placeholder: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'choices', choices };
  return byPlaceholder[placeholder] ?? { kind: 'nothing' };
}

/** A command and all below it. */
export function allCommands(tree: CompletedCommand): CompletedCommand[] {
  return [tree, ...tree.commands.flatMap(allCommands)];
}
