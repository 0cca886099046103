import { parseArgs } from 'node:util';
import { explore } from './explore.ts';
import { scenarios } from './scenarios.ts';

const { values } = parseArgs({ options: { bound: { type: 'string', default: '3' } } });
for (const { scenario, before } of scenarios) {
  const begun = Date.now();
  const { failure, ...found } = await explore(scenario, Number(values.bound), before);
  console.log({ ...found, seconds: (Date.now() - begun) / 1_000 });
  if (failure) {
    console.log(failure.problems, '\n' + failure.trace.join('\n'));
    process.exitCode = 1;
  }
}
