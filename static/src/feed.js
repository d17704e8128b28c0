// The cues of one transcript, fetched once where it is complete, and each second while recognition still adds to it.

const EVERY_MS = 1000;
const MAX_WAIT_MS = 15_000;

export class CueFeed {
  /**
   * `track`: {id, language, label, json_url}. `onCues(cues, feed)` is called with each batch of new cues.
   * `isGrowing()`: recognition may still add to it. What a failed stage left unfinished is not asked for again.
   */
  constructor(track, onCues, isGrowing) {
    this.track = track;
    this.isGrowing = isGrowing;
    this.cues = [];
    this.isComplete = false;
    this.listeners = [onCues];
    this.waitMs = EVERY_MS;
    this.isStopped = false;
  }

  start() {
    this.fetchOnce();
    return this;
  }

  stop() {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  async fetchOnce() {
    const last = this.cues.at(-1);
    const isGrowing = this.isGrowing(); // asked before the cues are: the last of them may come just before the end
    const url = last ? `${this.track.json_url}?after=${last.position}` : this.track.json_url;
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" } });
      // Gone or made private meanwhile: there is nothing more to come.
      if (response.status === 404 || response.status === 403) return;
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      const answer = await response.json();
      // Another transcript took this one's place: the status part of the page tells of it, and a new feed begins.
      if (this.isStopped || answer.id !== this.track.id) return;
      this.waitMs = EVERY_MS;
      this.isComplete = answer.is_complete;
      const known = last?.position ?? -1;
      const fresh = answer.cues.filter((cue) => cue.position > known);
      if (fresh.length) {
        this.cues.push(...fresh);
        for (const listener of this.listeners) listener(fresh, this);
      }
      if (this.isComplete || !isGrowing) return;
    } catch (error) {
      this.waitMs = Math.min(this.waitMs * 2, MAX_WAIT_MS);
      console.warn("The captions could not be fetched; trying again.", error);
    }
    if (!this.isStopped) this.timer = setTimeout(() => this.fetchOnce(), this.waitMs);
  }
}
