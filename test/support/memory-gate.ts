import type { Outage, UpstreamGate } from '../../core/jobs/ports.ts';

/** What is known about one upstream. */
interface Entry {
  closedUntil?: Date;
  downUntil?: Date;
  outage?: Outage;
}

/** Closed upstreams in memory. */
export class MemoryGate implements UpstreamGate {
  readonly #entries = new Map<string, Entry>();

  of(registry: string): Entry {
    const entry = this.#entries.get(registry) ?? {};
    this.#entries.set(registry, entry);
    return entry;
  }

  async closedUntil(registry: string, now: Date): Promise<Date | undefined> {
    const { closedUntil, downUntil } = this.of(registry);
    const until = Math.max(closedUntil?.getTime() ?? 0, downUntil?.getTime() ?? 0);
    return until > now.getTime() ? new Date(until) : undefined;
  }
  async close(registry: string, until: Date): Promise<void> {
    const entry = this.of(registry);
    if (entry.closedUntil === undefined || entry.closedUntil < until) entry.closedUntil = until;
  }
  async closeDown(registry: string, until: Date): Promise<void> {
    const entry = this.of(registry);
    if (entry.downUntil === undefined || entry.downUntil < until) entry.downUntil = until;
  }
  async outage(registry: string): Promise<Outage | undefined> {
    return this.of(registry).outage;
  }
  async failed(registry: string, { at, reason }: { at: Date; reason: string }): Promise<Outage> {
    const entry = this.of(registry);
    const { since = at, failures = 0 } = entry.outage ?? {};
    entry.outage = { since, failures: failures + 1, reason };
    return entry.outage;
  }
  async answered(registry: string): Promise<void> {
    const entry = this.of(registry);
    delete entry.outage;
    delete entry.downUntil;
  }
  async probe(registry: string, until: Date, now: Date): Promise<boolean> {
    const entry = this.of(registry);
    if (entry.outage === undefined || (entry.downUntil && entry.downUntil > now)) return false;
    entry.downUntil = until;
    return true;
  }
}
