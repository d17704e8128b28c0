// Remembers where the person stopped watching: on the server for those signed in, else in this browser.
import { keep, kept } from "./player.js";

const EVERY_MS = 10_000;
const BARELY_BEGUN_S = 5;
const NEAR_END_S = 10;

export class Memory {
  /** `data`: the dataset of the watch page. */
  constructor(data) {
    this.key = `videoportal:position:${data.watch}`;
    this.url = data.positionUrl;
    this.durationS = Number(data.durationMs) / 1000;
    this.rememberedS = this.url ? Number(data.resumeMs ?? 0) / 1000 : Number(kept(this.key) ?? 0);
    this.lastSentMs = null;
  }

  /** Seconds at which to go on; 0 for the beginning. */
  get resumeS() {
    const isWorthIt = this.rememberedS >= BARELY_BEGUN_S && this.rememberedS < this.durationS - NEAR_END_S;
    return isWorthIt ? this.rememberedS : 0;
  }

  follow(video) {
    let lastMs = performance.now();
    video.addEventListener("timeupdate", () => {
      if (video.paused || performance.now() - lastMs < EVERY_MS) return;
      lastMs = performance.now();
      this.remember(video);
    });
    video.addEventListener("pause", () => this.remember(video));
    video.addEventListener("ended", () => this.remember(video));
    window.addEventListener("pagehide", () => this.remember(video));
  }

  remember(video) {
    // A page that was only opened says nothing about where somebody stopped.
    if (!video.isConnected || video.played.length === 0) return;
    const positionMs = Math.round((video.ended ? this.durationS : video.currentTime) * 1000);
    if (positionMs === this.lastSentMs) return;
    this.lastSentMs = positionMs;
    if (!this.url) {
      const seconds = positionMs / 1000;
      keep(this.key, seconds < BARELY_BEGUN_S || seconds >= this.durationS - NEAR_END_S ? null : String(seconds));
      return;
    }
    const form = new FormData();
    form.set("position_ms", String(positionMs));
    form.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "");
    navigator.sendBeacon(this.url, form); // arrives also when the page is being left
  }
}
