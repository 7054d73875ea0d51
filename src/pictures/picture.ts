/** A decoded picture: 8-bit RGB, rows from the top, no padding; 3 * width * height bytes. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
