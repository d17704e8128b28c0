// "Search in this video": what matches is counted and marked, Enter and Shift+Enter go from one to the next, and the
// address keeps what is looked for. The server has marked the same already, for those without scripts.
import { MAX_MATCHES, SpokenText } from "./matching.js";

const AT_REST_MS = 150;

export class TranscriptSearch {
  constructor(panel) {
    this.panel = panel;
    this.form = panel.root.querySelector("[data-transcript-search]");
    this.input = this.form.querySelector("input[type=search]");
    this.count = this.form.querySelector("[data-matches]");
    this.steps = this.form.querySelectorAll("[data-previous], [data-next]");
    this.spoken = null; // made when it is needed, and made anew when cues have come
    this.matches = [];
    this.chosen = -1;
    for (const mark of panel.list.querySelectorAll("mark")) {
      const word = mark.parentElement;
      mark.replaceWith(mark.textContent);
      word.normalize();
    }
    const chosen = panel.list.querySelector(".is-chosen");
    if (this.input.value) this.find({ position: Number(chosen?.dataset.position ?? 0), start: 0 });
    this.listen();
  }

  listen() {
    let timer;
    this.input.addEventListener("input", () => {
      this.find();
      clearTimeout(timer);
      timer = setTimeout(() => this.keepInAddress(), AT_REST_MS);
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.step(1);
    });
    this.form.querySelector("[data-previous]").addEventListener("click", () => this.step(-1));
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.shiftKey) {
        event.preventDefault();
        this.step(-1);
      } else if (event.key === "Escape" && this.input.value) {
        event.preventDefault();
        this.input.value = "";
        this.find();
        this.keepInAddress();
      }
    });
  }

  /** Somebody types or steps: the panel stays where they look, whatever is played. */
  get isActive() {
    return this.matches.length > 0 && this.form.contains(document.activeElement);
  }

  /** Cues have come, or others took their place. */
  refresh() {
    this.spoken = null;
    if (!this.input.value.trim() || this.refreshing) return;
    this.refreshing = setTimeout(() => {
      this.refreshing = null;
      this.find(this.placeOf(this.matches[this.chosen]), false);
    }, AT_REST_MS);
  }

  /** Chooses the match at `place` or, where it is gone, the one behind it. */
  find(place = { position: 0, start: 0 }, isRevealed = true) {
    const { rows } = this.panel;
    this.spoken ??= new SpokenText(rows.map(textOf));
    this.rows = rows;
    const wanted = this.input.value.trim();
    this.matches = this.spoken.find(wanted);
    const behind = this.matches.findIndex((match) => {
      const { position, start } = this.placeOf(match);
      return position > place.position || (position === place.position && start >= place.start);
    });
    this.chosen = this.matches.length ? Math.max(behind, 0) : -1;
    this.mark();
    for (const button of this.steps) button.hidden = this.matches.length < 2;
    if (this.matches.length) this.tell(isRevealed);
    else this.say(wanted ? "Not found" : "");
  }

  step(by) {
    if (!this.matches.length) return;
    this.chosen = (this.chosen + by + this.matches.length) % this.matches.length;
    this.markChosen();
    this.tell(true);
  }

  tell(isRevealed) {
    const { length } = this.matches;
    this.say(`${this.chosen + 1} of ${length}${length === MAX_MATCHES ? "+" : ""}`);
    if (isRevealed) this.panel.reveal(this.rows[this.matches[this.chosen].first].element, true);
  }

  say(text) {
    if (this.count.textContent !== text) this.count.textContent = text;
  }

  placeOf(match) {
    return match && { position: this.rows[match.first].position, start: match.start };
  }

  mark() {
    for (const row of this.rows) row.element.classList.remove("is-match");
    for (const { first, last } of this.matches) {
      for (const row of this.rows.slice(first, last + 1)) row.element.classList.add("is-match");
    }
    this.ranges = this.matches.map((match) => this.rangeOf(match));
    // A browser that cannot highlight shows which captions match.
    if (window.Highlight) CSS.highlights.set("transcript-match", new Highlight(...this.ranges));
    this.markChosen();
  }

  markChosen() {
    this.panel.list.querySelector(".is-chosen")?.classList.remove("is-chosen");
    if (window.Highlight) CSS.highlights.delete("transcript-chosen");
    if (this.chosen < 0) return;
    this.rows[this.matches[this.chosen].first].element.classList.add("is-chosen");
    if (!window.Highlight) return;
    const highlight = new Highlight(this.ranges[this.chosen]);
    highlight.priority = 1;
    CSS.highlights.set("transcript-chosen", highlight);
  }

  rangeOf({ first, start, last, end }) {
    const range = document.createRange();
    range.setStart(...nodeAt(this.rows[first], start, false));
    range.setEnd(...nodeAt(this.rows[last], end, true));
    return range;
  }

  keepInAddress() {
    const url = new URL(window.location.href);
    const wanted = this.input.value.trim();
    for (const name of ["q", "match", "part"]) url.searchParams.delete(name);
    if (wanted) url.searchParams.set("q", wanted);
    if (url.hash === "#match") url.hash = "";
    window.history.replaceState(window.history.state, "", url);
  }
}

function wordsOf(row) {
  return [...row.element.querySelectorAll(".word")];
}

function textOf(row) {
  return wordsOf(row)
    .map((word) => word.textContent)
    .join(" ");
}

/** The text node and the offset in it for an offset in `textOf(row)`. */
function nodeAt(row, offset, isEnd) {
  let begin = 0;
  for (const word of wordsOf(row)) {
    const { length } = word.textContent;
    if (offset < begin + length || (isEnd && offset === begin + length)) return [word.firstChild, offset - begin];
    begin += length + 1;
  }
  throw new RangeError(`There is no character ${offset} in “${textOf(row)}”.`);
}
