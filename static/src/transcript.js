// The transcript beside the player: follows playback, can be searched, grows while recognition runs.
import { clock, parseTime } from "./times.js";
import { TranscriptSearch } from "./transcript_search.js";

const LOW_CONFIDENCE = 0.6; // see also apps/pages/transcript_panel.py
const LEFT_ALONE_MS = 6000; // after the reader scrolled by hand
const ROWS_AT_A_TIME = 150;

export class TranscriptPanel {
  /** `onSeek(seconds)` is called when a word or a time is clicked. */
  constructor(root, onSeek) {
    this.root = root;
    this.list = root.querySelector("[data-cues]");
    this.scroll = root.querySelector("[data-scroll]");
    this.followButton = root.querySelector("[data-follow]");
    // Its place is kept while it is not seen: were the panel to move under a pressed pointer, the click would be lost.
    this.followButton.hidden = false;
    this.offerToFollow(false);
    this.onSeek = onSeek;
    this.rows = [...this.list.children].map(rowOf);
    this.current = null;
    this.currentWord = null;
    this.handsOnUntil = 0;
    this.search = new TranscriptSearch(this);
    this.list.addEventListener("click", (event) => this.clicked(event));
    for (const kind of ["wheel", "touchmove", "keydown"]) {
      this.scroll.addEventListener(kind, () => this.leaveAlone(), { passive: true });
    }
    this.followButton.addEventListener("click", () => {
      this.handsOnUntil = 0;
      this.offerToFollow(false);
      if (this.current) this.reveal(this.current.element, true);
    });
  }

  get transcriptId() {
    return this.root.dataset.transcript;
  }

  get isWhole() {
    return this.rows.length >= Number(this.root.dataset.cueCount ?? 0) && (this.rows[0]?.position ?? 0) === 0;
  }

  clicked(event) {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const seconds = link.dataset.start ? Number(link.dataset.start) / 1000 : parseTime(new URL(link.href).searchParams.get("t"));
    if (seconds === null || !this.onSeek(seconds)) return; // without a player the link is followed
    event.preventDefault();
    this.handsOnUntil = 0;
  }

  get language() {
    return this.root.dataset.language ?? "";
  }

  /** Empties the panel for another transcript. */
  begin(track) {
    this.root.dataset.transcript = track.id;
    this.root.dataset.language = track.language;
    this.root.dataset.cueCount = "0";
    this.root.querySelector("[data-parts]")?.remove();
    this.list.replaceChildren();
    this.rows = [];
    this.current = null;
    this.currentWord = null;
    this.search.refresh();
  }

  /** Adds the cues that are not there yet, a screenful at a time so that a long transcript does not freeze the page. */
  add(cues) {
    const known = new Set(this.rows.map((row) => row.position));
    const fresh = cues.filter((cue) => !known.has(cue.position));
    for (const cue of fresh) known.add(cue.position);
    const batch = fresh.splice(0, ROWS_AT_A_TIME);
    if (!batch.length) return;
    const elements = batch.map(drawn);
    const before = this.rows.find((row) => row.position > batch[0].position);
    const heightBefore = this.scroll.scrollHeight;
    if (before && batch.at(-1).position < before.position) {
      before.element.before(...elements);
      if (this.scroll.scrollTop > 0) this.scroll.scrollTop += this.scroll.scrollHeight - heightBefore;
    } else this.list.append(...elements);
    this.rows = [...this.list.children].map(rowOf).sort((one, other) => one.position - other.position);
    this.search.refresh();
    if (fresh.length) setTimeout(() => this.add(fresh), 0);
  }

  leaveAlone() {
    this.handsOnUntil = performance.now() + LEFT_ALONE_MS;
    if (this.current) this.offerToFollow(true);
  }

  offerToFollow(isOffered) {
    this.followButton.style.visibility = isOffered ? "visible" : "hidden";
  }

  /** Marks the cue and the word that are spoken at `seconds`. */
  follow(seconds) {
    const timeMs = seconds * 1000;
    const row = latest(this.rows, timeMs);
    const isSpoken = row && timeMs < row.endMs + 300;
    const next = isSpoken ? row : null;
    if (next !== this.current) {
      this.current?.element.removeAttribute("aria-current");
      next?.element.setAttribute("aria-current", "true");
      this.current = next;
      if (next && performance.now() > this.handsOnUntil && !this.search.isActive) {
        this.offerToFollow(false);
        this.reveal(next.element, false);
      }
    }
    const word = next ? latest(wordsOf(next), timeMs) : null;
    if (word !== this.currentWord) {
      this.currentWord?.element.classList.remove("is-spoken");
      word?.element.classList.add("is-spoken");
      this.currentWord = word;
    }
  }

  /** Scrolls the panel, never the page. */
  reveal(element, isWanted) {
    const view = this.scroll;
    const fromTop = () => element.getBoundingClientRect().top - view.getBoundingClientRect().top;
    const away = () => fromTop() - view.clientHeight * 0.25;
    const isInView = fromTop() >= 8 && fromTop() + element.offsetHeight <= view.clientHeight * 0.8;
    if (isInView && !isWanted) return;
    if (Math.abs(away()) < view.clientHeight) {
      view.scrollBy({ top: away(), behavior: "smooth" });
      return;
    }
    // The heights of rows that were never in view are guesses, put right as they come near: look again after the jump.
    let looks = 5;
    const jump = () => {
      view.scrollTop += away();
      looks -= 1;
      if (looks) requestAnimationFrame(jump);
    };
    jump();
  }
}

/** The last of `timed`, in order of `startMs`, that has begun at `timeMs`. */
function latest(timed, timeMs) {
  let low = 0;
  let high = timed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timed[middle].startMs <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low ? timed[low - 1] : null;
}

function rowOf(element) {
  const { position, start, end } = element.dataset;
  return { element, position: Number(position), startMs: Number(start), endMs: Number(end), words: null };
}

function wordsOf(row) {
  row.words ??= [...row.element.querySelectorAll(".word")].map((element) => ({
    element,
    startMs: Number(element.dataset.start),
  }));
  return row.words;
}

function seconds(timeMs) {
  return String(timeMs / 1000);
}

/** The twin of one row in templates/watch/_transcript.html. */
function drawn(cue) {
  const text = cue.text.split(/\s+/).join(" ").trim();
  const row = document.createElement("li");
  row.className = "cue";
  Object.assign(row.dataset, { position: cue.position, start: cue.start_ms, end: cue.end_ms });

  const time = document.createElement("a");
  time.className = "cue-time";
  time.href = `?t=${seconds(cue.start_ms)}s`;
  time.textContent = clock(cue.start_ms / 1000);
  time.setAttribute("aria-label", `${time.textContent}: ${text}`);

  const said = document.createElement("p");
  said.className = "cue-text";
  said.setAttribute("aria-hidden", "true");
  const words = cue.words.length ? cue.words : [{ text, start_ms: cue.start_ms, end_ms: cue.end_ms, confidence: null }];
  for (const word of words) said.append(drawnWord(word), " ");

  row.append(time, said);
  return row;
}

function drawnWord(word) {
  const link = document.createElement("a");
  link.className = "word";
  link.href = `?t=${seconds(word.start_ms)}s`;
  link.tabIndex = -1;
  link.textContent = word.text;
  Object.assign(link.dataset, { start: word.start_ms, end: word.end_ms });
  if (word.confidence !== null && word.confidence < LOW_CONFIDENCE) {
    link.classList.add("doubtful");
    link.title = `Not sure: ${Math.round(word.confidence * 100)} %`;
  }
  return link;
}
