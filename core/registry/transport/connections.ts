import type { Dispatcher } from 'undici';

/** A registry client's own connections. */
export interface Connections {
  dispatcherFor(url: URL): Dispatcher;
  /**
   * Refuses a URL's host before it is contacted, for connections that can't do so themselves.
   *
   * @throws an error with the code ADDRESS_REFUSED
   */
  check?(url: URL): Promise<void>;
  /**
   * How many connections to an origin there are, including those being opened; absent if that is
   * not known.
   */
  connected?(url: URL): number;
  /** Closes all of them at once. */
  destroy(): Promise<void>;
}
