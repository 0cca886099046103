/** `npm run image:files -- FOLDER`: writes what the Dockerfile copies to /app. */
import { writeApplication } from './application.ts';

const [folder, ...more] = process.argv.slice(2);
if (folder === undefined || more.length > 0) {
  process.stderr.write('say where the files go: npm run image:files -- FOLDER\n');
  process.exitCode = 2;
} else {
  await writeApplication(folder);
}
