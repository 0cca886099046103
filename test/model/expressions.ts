/** An item of the table. */
export type Item = Record<string, unknown>;

/** What the names and values of an expression stand for. */
export interface Terms {
  names: Record<string, string>;
  values: Record<string, unknown>;
}

type Operand = (item: Item | undefined, terms: Terms) => unknown;
type Condition = (item: Item | undefined, terms: Terms) => boolean;
/** Changes a copy of the item, and tells which attributes it changed. */
type Update = (item: Item, terms: Terms) => { item: Item; changed: string[] };

/**
 * The part of DynamoDB's expressions that the stores use.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
class Parser {
  readonly #tokens: string[];
  #at = 0;

  constructor(expression: string) {
    this.#tokens = expression.match(/[\w#:][\w#:.]*|<>|<=|>=|[=<>(),+]/g) ?? [];
  }

  condition(): Condition {
    const condition = this.#or();
    if (this.#at < this.#tokens.length) throw new Error(`what is ${this.#tokens[this.#at]}?`);
    return condition;
  }

  update(): Update {
    const steps: Update[] = [];
    let clause = '';
    while (this.#at < this.#tokens.length) {
      if (/^(SET|REMOVE|ADD|DELETE)$/.test(this.#peek())) clause = this.#next();
      steps.push(this.#action(clause));
      this.#accept(',');
    }
    return (item, terms) =>
      steps.reduce(
        (so, step) => {
          const { item: next, changed } = step(so.item, terms);
          return { item: next, changed: [...so.changed, ...changed] };
        },
        { item, changed: [] as string[] },
      );
  }

  #action(clause: string): Update {
    const path = this.#next();
    const change = (to: (old: unknown, item: Item, terms: Terms) => unknown): Update => {
      return (item, terms) => {
        const names = namesOf(path, terms);
        const value = to(valueAt(item, names), item, terms);
        return { item: withValue(item, names, value), changed: [names[0] ?? ''] };
      };
    };
    if (clause === 'REMOVE') return change(() => undefined);
    if (clause === 'SET') {
      this.#expect('=');
      const left = this.#operand();
      if (!this.#accept('+')) return change((_, item, terms) => left(item, terms));
      const right = this.#operand();
      return change((_, item, terms) => Number(left(item, terms)) + Number(right(item, terms)));
    }
    const operand = this.#operand();
    return change((old, item, terms) => {
      const more = operand(item, terms);
      if (clause === 'ADD' && typeof more === 'number') return Number(old ?? 0) + more;
      const [all, some] = [(old ?? new Set()) as Set<unknown>, more as Set<unknown>];
      const result = clause === 'ADD' ? [...all, ...some] : [...all].filter((each) => !some.has(each));
      return result.length > 0 ? new Set(result) : undefined;
    });
  }

  #or(): Condition {
    const first = this.#and();
    if (!this.#accept('OR')) return first;
    const rest = this.#or();
    return (item, terms) => first(item, terms) || rest(item, terms);
  }

  #and(): Condition {
    const first = this.#not();
    if (!this.#accept('AND')) return first;
    const rest = this.#and();
    return (item, terms) => first(item, terms) && rest(item, terms);
  }

  #not(): Condition {
    if (this.#accept('NOT')) {
      const inner = this.#not();
      return (item, terms) => !inner(item, terms);
    }
    if (this.#accept('(')) {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    return this.#comparison();
  }

  #comparison(): Condition {
    const name = this.#peek();
    if (/^(attribute_exists|attribute_not_exists|begins_with)$/.test(name)) {
      this.#next();
      const [left, right] = this.#operands();
      if (name === 'begins_with')
        return (item, terms) => String(left?.(item, terms)).startsWith(String(right?.(item, terms)));
      return (item, terms) => (left?.(item, terms) !== undefined) === (name === 'attribute_exists');
    }
    const left = this.#operand();
    const operator = this.#next();
    if (operator === 'IN') {
      const options = this.#operands();
      return (item, terms) => options.some((option) => option(item, terms) === left(item, terms));
    }
    const right = this.#operand();
    if (operator === 'BETWEEN') {
      this.#expect('AND');
      const until = this.#operand();
      return (item, terms) => {
        const value = left(item, terms);
        return compare(right(item, terms), '<=', value) && compare(value, '<=', until(item, terms));
      };
    }
    return (item, terms) => compare(left(item, terms), operator, right(item, terms));
  }

  #operands(): Operand[] {
    const operands: Operand[] = [];
    this.#expect('(');
    do operands.push(this.#operand());
    while (this.#accept(','));
    this.#expect(')');
    return operands;
  }

  #operand(): Operand {
    const token = this.#next();
    if (token.startsWith(':')) return (_, { values }) => required(values, token);
    if (token === 'size') {
      const [path] = this.#operands();
      return (item, terms) => (path?.(item, terms) as Set<unknown> | undefined)?.size;
    }
    if (token === 'if_not_exists') {
      const [path, value] = this.#operands();
      return (item, terms) => path?.(item, terms) ?? value?.(item, terms);
    }
    return (item, terms) => valueAt(item, namesOf(token, terms));
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    this.#at += 1;
    return this.#tokens[this.#at - 1] ?? '';
  }

  #accept(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) throw new Error(`${this.#tokens.join(' ')}: ${token} is missing`);
  }
}

/** A comparison with a missing attribute does not hold, except for `<>`. */
function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '<>') return left !== right;
  if (left === undefined || right === undefined || typeof left !== typeof right) return false;
  const [a, b] = [left as string, right as string];
  if (operator === '=') return a === b;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  if (operator === '>') return a > b;
  if (operator === '>=') return a >= b;
  throw new Error(`there is no operator ${operator}`);
}

function required(terms: Record<string, unknown>, name: string): unknown {
  if (!(name in terms)) throw new Error(`${name} has no value`);
  return terms[name];
}

function namesOf(path: string, { names }: Terms): string[] {
  return path.split('.').map((name) => (name.startsWith('#') ? String(required(names, name)) : name));
}

function valueAt(item: Item | undefined, names: string[]): unknown {
  return names.reduce<unknown>((value, name) => (value as Item | undefined)?.[name], item);
}

/** A copy with another value; undefined removes it. */
function withValue(item: Item, [name = '', ...rest]: string[], value: unknown): Item {
  if (rest.length > 0) {
    const inner = item[name];
    if (typeof inner !== 'object' || inner === null) throw new Error(`there is no ${name} to change`);
    return { ...item, [name]: withValue(inner as Item, rest, value) };
  }
  if (value !== undefined) return { ...item, [name]: value };
  const { [name]: _removed, ...others } = item;
  return others;
}

function cached<T>(parse: (expression: string) => T): (expression: string) => T {
  const known = new Map<string, T>();
  return (expression) => {
    const found = known.get(expression) ?? parse(expression);
    known.set(expression, found);
    return found;
  };
}

/** Reads a condition, a filter or a key condition. */
export const parseCondition = cached((expression) => new Parser(expression).condition());
/** Reads an update. */
export const parseUpdate = cached((expression) => new Parser(expression).update());

/** The attributes that a projection names. */
export function project(item: Item, expression: string, terms: Terms): Item {
  let projected: Item = {};
  for (const path of expression.split(',')) {
    const names = namesOf(path.trim(), terms);
    const value = valueAt(item, names);
    if (value !== undefined) projected = merged(projected, names, value);
  }
  return projected;
}

function merged(item: Item, [name = '', ...rest]: string[], value: unknown): Item {
  if (rest.length === 0) return { ...item, [name]: value };
  return { ...item, [name]: merged((item[name] ?? {}) as Item, rest, value) };
}
