/** How much text is gathered before it is handed on: few writes, little memory. */
const PIECE = 1 << 16;

/** Gathers small pieces of text into large ones, so that a writer may yield a word at a time. */
export async function* inLargePieces(pieces: Iterable<string>): AsyncGenerator<string> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length >= PIECE) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}
