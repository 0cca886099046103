import { parseArgs } from 'node:util';
import { explore } from './explore.ts';
import { models } from './scenarios.ts';

const { values } = parseArgs({
  options: { bound: { type: 'string' }, only: { type: 'string', default: '' } },
});
for (const model of models.filter(({ name }) => name.includes(values.only))) {
  const begun = process.cpuUsage();
  const { failure, ...found } = await explore(model, Number(values.bound ?? model.bound), model.before);
  const { user, system } = process.cpuUsage(begun);
  console.log(JSON.stringify({ ...found, cpuSeconds: (user + system) / 1e6 }));
  if (failure) {
    console.log([...failure.problems, '', ...failure.trace].join('\n'));
    process.exitCode = 1;
  }
}
