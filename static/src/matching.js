// Finding words in a transcript, whatever their case, accents and punctuation.
// The twin of apps/transcription/matching.py: what the server found must be found again here.

export const MAX_MATCHES = 1000;
const TELLING_LETTERS = 4;
const SILENT = /[\p{P}\p{Z}\p{C}]/u;

function foldCharacter(character) {
  const pieces = character.normalize("NFKD").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
  return [...pieces].map((piece) => (/\p{Mn}/u.test(piece) ? "" : SILENT.test(piece) ? " " : piece)).join("");
}

function fold(text) {
  return [...text].map(foldCharacter).join("").split(" ").filter(Boolean).join(" ");
}

/** Of each character of `fold(text)` where in `text` the one that it comes from begins and ends. */
function origins(text) {
  const found = [];
  let offset = 0;
  let isAfterSpace = true;
  for (const character of text) {
    const folded = foldCharacter(character);
    if (!folded && found.length) found.at(-1).end = offset + character.length; // an accent of the letter before
    for (const unit of folded) {
      const place = { begin: offset, end: offset + character.length };
      if (!(unit === " " && isAfterSpace)) found.push(...Array.from({ length: unit.length }, () => ({ ...place })));
      isAfterSpace = unit === " ";
    }
    offset += character.length;
  }
  return found;
}

function patternOf(spoken, needle) {
  const escaped = (words) => words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|");
  if (spoken.includes(needle)) return new RegExp(escaped([needle]), "g");
  const words = [...new Set(needle.split(" "))].sort((one, other) => other.length - one.length);
  const telling = words.filter((word) => [...word].length >= TELLING_LETTERS);
  return new RegExp(`(?<=^| )(?:${escaped(telling.length ? telling : words)})`, "g");
}

/** The texts of cues that follow one another, ready to be searched as often as somebody types. */
export class SpokenText {
  constructor(texts) {
    this.texts = texts;
    this.numbers = [];
    this.begins = [];
    const pieces = [];
    let length = 0;
    for (const [number, text] of texts.entries()) {
      const folded = fold(text);
      if (!folded) continue;
      this.numbers.push(number);
      this.begins.push(length);
      pieces.push(folded);
      length += folded.length + 1;
    }
    this.spoken = pieces.join(" ");
  }

  /** Matches as `{first, start, last, end}`: numbers of texts, and offsets in them. At most `MAX_MATCHES`. */
  find(wanted) {
    const needle = fold(wanted);
    if (!needle) return [];
    const matches = [];
    for (const { 0: found, index } of this.spoken.matchAll(patternOf(this.spoken, needle))) {
      const from = this.placeOf(index);
      const to = this.placeOf(index + found.length - 1);
      matches.push({ first: from.number, start: from.begin, last: to.number, end: to.end });
      if (matches.length === MAX_MATCHES) break;
    }
    return matches;
  }

  placeOf(offset) {
    let low = 0;
    let high = this.begins.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.begins[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    const number = this.numbers[low - 1];
    return { number, ...origins(this.texts[number])[offset - this.begins[low - 1]] };
  }
}
