/**
 * The two pattern languages of mirror.yaml.
 *
 * In repositories (`match`): `?` is one character and `*` any number of them within a path
 * component, `**` crosses components. If `**` is a whole component with more to follow, it also
 * matches no component at all: a pattern that matches `acme/x/api` this way matches `acme/api`,
 * too. In tags (`include`, `exclude`): `?` is one character, `*` any number of any characters.
 * Nothing else is special; both patterns are anchored at both ends.
 */
export type GlobKind = 'repository' | 'tag';

const longest = { repository: 255, tag: 128 } as const;

/**
 * Describes what is wrong with a pattern and what to write instead.
 *
 * @returns undefined if the pattern is well-formed.
 */
export function globProblem(pattern: string, kind: GlobKind): string | undefined {
  if (pattern === '') return 'is empty; write a pattern, or "**" for everything';
  if (pattern.length > longest[kind])
    return `has ${pattern.length} characters; a ${kind} has at most ${longest[kind]}`;
  return kind === 'repository' ? repositoryProblem(pattern) : tagProblem(pattern);
}

function repositoryProblem(pattern: string): string | undefined {
  if (/[:@]/.test(pattern)) return 'names a tag or a digest; tags are chosen under `tags`';
  if (/[A-Z]/.test(pattern))
    return `has upper case; repository names are lower case: ${pattern.toLowerCase()}`;
  const odd = /[^a-z0-9._/*?-]/.exec(pattern);
  if (odd !== null)
    return `has ${JSON.stringify(odd[0])}, which no repository name has; only *, ? and ** are special`;
  if (pattern.includes('***')) return 'has more than two * in a row; ** crosses path components';
  if (/^\/|\/\/|\/$/.test(pattern))
    return 'has an empty path component; write it without leading, trailing or double /';
  return undefined;
}

function tagProblem(pattern: string): string | undefined {
  const odd = /[^A-Za-z0-9_.*?-]/.exec(pattern);
  if (odd !== null) return `has ${JSON.stringify(odd[0])}, which no tag has; only * and ? are special`;
  if (/^[.-]/.test(pattern))
    return `begins with ${JSON.stringify(pattern[0])}, which no tag does; write "*${pattern}"`;
  return undefined;
}

/**
 * Compiles a pattern into a matcher. All states are followed in parallel (Thompson's construction),
 * so the time grows with the length of the name times that of the pattern, without backtracking,
 * however hostile the name. https://swtch.com/~rsc/regexp/regexp1.html
 */
export function compileGlob(pattern: string, kind: GlobKind): (name: string) => boolean {
  const steps = kind === 'repository' ? repositorySteps(pattern) : tagSteps(pattern);
  return (name) => run(steps, name);
}

/**
 * The budget for comparing patterns, in steps of one state by one letter. Two typical patterns take
 * a few thousand.
 */
export interface CoverBudget {
  steps: number;
}

/** A name that matches a well-formed pattern for repositories. */
export function sampleName(pattern: string): string {
  return pattern.replace(/\*+|\?/g, 'x');
}

/**
 * Whether one pattern for repositories matches everything that another one matches. Both are
 * followed in parallel: `inner` by each single state, `outer` by the set of states that it is then
 * in. If the budget ends first, the answer is false.
 */
export function globCovers(
  outer: string,
  inner: string,
  budget: CoverBudget = { steps: 10_000_000 },
): boolean {
  const [outerSteps, innerSteps] = [repositorySteps(outer), repositorySteps(inner)];
  // One letter that neither pattern names stands for all such letters.
  const letters = [...new Set(['/', '\u0000', ...outer, ...inner])].filter(
    (letter) => !'*?'.includes(letter),
  );
  const start = new Uint8Array(outerSteps.length + 1);
  enter(outerSteps, start, 0);
  const open: { state: number; others: Uint8Array }[] = [];
  const seen = new Set<string>();
  const visit = (states: Uint8Array, others: Uint8Array) => {
    const set = others.join('');
    states.forEach((is, state) => {
      const key = `${state} ${set}`;
      if (is === 0 || seen.has(key)) return;
      seen.add(key);
      open.push({ state, others });
    });
  };
  const first = new Uint8Array(innerSteps.length + 1);
  enter(innerSteps, first, 0);
  visit(first, start);
  for (let pair = open.pop(); pair; pair = open.pop()) {
    budget.steps -= letters.length * (outerSteps.length + innerSteps.length);
    if (budget.steps < 0) return false;
    const { state, others } = pair;
    if (state === innerSteps.length && others[outerSteps.length] !== 1) return false;
    for (const letter of letters) {
      const next = new Uint8Array(innerSteps.length + 1);
      advance(innerSteps, next, state, letter);
      if (!next.includes(1)) continue;
      const nextOthers = new Uint8Array(outerSteps.length + 1);
      for (let i = 0; i < outerSteps.length; i += 1)
        if (others[i] === 1) advance(outerSteps, nextOthers, i, letter);
      visit(next, nextOthers);
    }
  }
  return true;
}

type Step =
  | { kind: 'letter'; letter: string }
  | { kind: 'one'; slash: boolean }
  | { kind: 'many'; slash: boolean }
  /** The beginning of a component `**`: either no component, or on into the next step. */
  | { kind: 'components' }
  /** Inside the components that `**` matches, until a slash ends one of them. */
  | { kind: 'inComponents' };

function repositorySteps(pattern: string): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < pattern.length; i += 1) {
    const letter = pattern.charAt(i);
    if (letter === '?') steps.push({ kind: 'one', slash: false });
    else if (letter !== '*') steps.push({ kind: 'letter', letter });
    else if (pattern.charAt(i + 1) !== '*') steps.push({ kind: 'many', slash: false });
    else if (pattern.charAt(i + 2) === '/' && (i === 0 || pattern.charAt(i - 1) === '/')) {
      steps.push({ kind: 'components' }, { kind: 'inComponents' });
      i += 2;
    } else {
      steps.push({ kind: 'many', slash: true });
      i += 1;
    }
  }
  return steps;
}

function tagSteps(pattern: string): Step[] {
  return Array.from(pattern, (letter): Step => {
    if (letter === '?') return { kind: 'one', slash: true };
    if (letter === '*') return { kind: 'many', slash: true };
    return { kind: 'letter', letter };
  });
}

function run(steps: Step[], name: string): boolean {
  let active = new Uint8Array(steps.length + 1);
  let next = new Uint8Array(steps.length + 1);
  enter(steps, active, 0);
  for (let at = 0; at < name.length; at += 1) {
    const letter = name.charAt(at);
    next.fill(0);
    for (let i = 0; i < steps.length; i += 1) if (active[i] === 1) advance(steps, next, i, letter);
    [active, next] = [next, active];
  }
  return active[steps.length] === 1;
}

/** Marks a state and all states reachable from it without a character. */
function enter(steps: Step[], states: Uint8Array, i: number): void {
  if (states[i] === 1) return;
  states[i] = 1;
  const kind = steps[i]?.kind;
  if (kind === 'many' || kind === 'components') enter(steps, states, i + 1);
  if (kind === 'components') enter(steps, states, i + 2);
}

function advance(steps: Step[], next: Uint8Array, i: number, letter: string): void {
  const step = steps[i];
  switch (step?.kind) {
    case 'letter':
      if (letter === step.letter) enter(steps, next, i + 1);
      break;
    case 'one':
      if (step.slash || letter !== '/') enter(steps, next, i + 1);
      break;
    case 'many':
      if (step.slash || letter !== '/') enter(steps, next, i);
      break;
    case 'inComponents':
      enter(steps, next, i);
      if (letter === '/') enter(steps, next, i + 1);
      break;
  }
}
