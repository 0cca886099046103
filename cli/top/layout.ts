import type { Paint } from '../terminal/table.ts';

/** What a frame is drawn for. */
export interface Frame {
  columns: number;
  lines: number;
  now: Date;
  paint: Paint;
  colours: boolean;
}

/** A part of the screen. */
export interface Section {
  title: string;
  lines: string[];
  /** How many there are, if that is more than there are lines. */
  all: number;
}
