/** One call of a method: `go` makes it. */
export interface InterceptedCall {
  method: string;
  go: () => Promise<unknown>;
}

/** The same object, with something done around each call of its methods, which become async. */
export function intercepted<T extends object>(
  target: T,
  around: (call: InterceptedCall) => Promise<unknown>,
): T {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]) =>
        await around({ method: String(name), go: async () => await member.apply(target, parameters) });
    },
  });
}
