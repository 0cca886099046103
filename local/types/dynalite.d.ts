/** dynalite ships no types; these cover the part that we use. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    createTableMs?: number;
    /** A folder for LevelDB; without one, the data is in memory. */
    path?: string;
  }
  export default function dynalite(options: Options): Server;
}
