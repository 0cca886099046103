/** dynalite ships no types; this is the part that we use. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    createTableMs?: number;
    /** A folder for LevelDB; in memory without one. */
    path?: string;
  }
  export default function dynalite(options: Options): Server;
}
