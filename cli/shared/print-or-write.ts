import { replaceFile } from './replace-file.ts';

/** Prints a result, or writes it to the file of `--output`, which never has half of it. */
export async function printOrWrite(text: string, file: string | undefined): Promise<void> {
  if (file === undefined || file === '-') process.stdout.write(text);
  else await replaceFile(file, text);
}
