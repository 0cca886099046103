import { setTimeout as sleep } from 'node:timers/promises';
import type { DockerRegistry } from '../../test/support/docker-registry.ts';
import { countRequest, noCounts, type WireCounts } from '../wire/counts.ts';

let marks = 0;

/**
 * Sends a registry a request that can be found in its log: earlier requests are above it. Returns
 * the line's number.
 */
export async function markLog(registry: DockerRegistry): Promise<number> {
  const name = `bench-mark-${++marks}.`;
  await (await fetch(`${registry.endpoint}/v2/`, { headers: { 'user-agent': name } })).arrayBuffer();
  for (;;) {
    const line = registry.log().findIndex((text) => isAnswer(text) && text.includes(name));
    if (line >= 0) return line;
    await sleep(5);
  }
}

/**
 * What a registry has answered, according to its log: bytes to the client without heads, and none
 * from the client. The first request has the time of its answer.
 */
export function countsOfLog(lines: string[]): WireCounts {
  const counts = noCounts();
  const connections = new Set<string>();
  for (const line of lines.filter(isAnswer)) {
    const fields = new Map<string, string>();
    for (const [, key = '', quoted, bare] of line.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)) {
      fields.set(key, quoted ?? bare ?? '');
    }
    const path = (fields.get('http.request.uri') ?? '').split('?', 1)[0] ?? '';
    const isPing = countRequest(counts, fields.get('http.request.method') ?? '', path);
    connections.add(fields.get('http.request.remoteaddr') ?? '');
    counts.bytesDown += Number(fields.get('http.response.written') ?? 0);
    const time = Date.parse(fields.get('time') ?? '');
    if (counts.firstRequestMs === 0) counts.firstRequestMs = time;
    if (!isPing) counts.lastAnswerMs = Math.max(counts.lastAnswerMs, time);
  }
  counts.connections = connections.size;
  return counts;
}

function isAnswer(line: string): boolean {
  return line.includes('msg="response completed');
}
