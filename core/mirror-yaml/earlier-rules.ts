import { type CoverBudget, compileGlob, globCovers, globProblem, sampleName } from '../policy/glob.ts';

/** A rule by its pattern for repositories, and its place in the list. */
export interface EarlierRule {
  match: string;
  index: number;
}

interface Pattern extends EarlierRule {
  /** The common prefix of all names that it matches. */
  prefix: string;
  /** Compiled when it is first needed. */
  matches?: (name: string) => boolean;
}

/** For all rules of an upstream together: a file of thousands of patterns must not take minutes. */
const budgetOfAll: CoverBudget = { steps: 50_000_000 };

/** The rules of an upstream that come before another rule, and may make it unreachable. */
export class EarlierRules {
  readonly #same = new Map<string, EarlierRule>();
  readonly #patterns: Pattern[] = [];
  readonly #budget = { ...budgetOfAll };

  add(rule: EarlierRule): void {
    this.#same.set(rule.match, rule);
    if (!/[*?]/.test(rule.match) || globProblem(rule.match, 'repository') !== undefined) return;
    this.#patterns.push({ ...rule, prefix: /^[^*?]*/.exec(rule.match)?.[0] ?? '' });
  }

  /**
   * The first rule that matches everything that a pattern matches; undefined if there is none, or
   * if the check takes too long.
   */
  reaching(match: string): EarlierRule | undefined {
    if (globProblem(match, 'repository') !== undefined) return this.#same.get(match);
    const sample = sampleName(match);
    const covering = this.#patterns.find((pattern) => this.#covers(pattern, match, sample));
    const same = this.#same.get(match);
    return same && (covering === undefined || same.index < covering.index) ? same : covering;
  }

  /** Most patterns differ in their prefix, or by a single name. */
  #covers(outer: Pattern, inner: string, sample: string): boolean {
    if (!sample.startsWith(outer.prefix)) return false;
    this.#budget.steps -= sample.length * outer.match.length;
    if (this.#budget.steps < 0) return false;
    outer.matches ??= compileGlob(outer.match, 'repository');
    return outer.matches(sample) && globCovers(outer.match, inner, this.#budget);
  }
}
