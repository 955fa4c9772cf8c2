/** Measures of the pictures in pixels, shared by the still picture and the program inside it. */
export interface FlameGeometry {
  readonly margin: number;
  /** Distance from row to row; boxes are a pixel lower. */
  readonly row: number;
  /** Boxes narrower than this are drawn together. */
  readonly minWidth: number;
  readonly fontSize: number;
  /** Widest advance of a character in the fonts named in the style, so that cut labels never overflow. */
  readonly character: number;
  /** Room left and right of a label. */
  readonly padding: number;
}

export const GEOMETRY: FlameGeometry = {
  margin: 10,
  row: 18,
  minWidth: 1,
  fontSize: 12,
  character: 7.3,
  padding: 3,
};
