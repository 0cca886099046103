import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { imagemirror } from '../../../core/exports/formats/imagemirror.ts';
import type { Mapping } from '../../../core/mapping/record.ts';

/** Answers `GET /v1/exports/imagemirror` as it is told. */
export interface FakeExport extends AsyncDisposable {
  url: string;
  /** What the next requests get. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** Answers with a text from now on. */
  say(text: string, status?: number): void;
}

/** Starts it; it says 404 until it is told something else. */
export async function startFakeExport(): Promise<FakeExport> {
  const server = createServer((request, response) => fake.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeExport = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/exports/imagemirror`,
    answer: () => {},
    say(text, status = 200) {
      fake.answer = (_request, response) => response.writeHead(status).end(text);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  fake.say('{"error":{"code":"not_found"}}', 404);
  return fake;
}

/** The text of the export of mappings. */
export async function exportText(mappings: readonly Mapping[]): Promise<string> {
  let text = '';
  for await (const piece of imagemirror.render(each(mappings))) text += piece;
  return text;
}

async function* each(mappings: readonly Mapping[]): AsyncGenerator<Mapping> {
  yield* mappings;
}
