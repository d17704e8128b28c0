// Loaded on the watch page alone. Its parts: player, transcript, captions that arrive while recognition runs, and what htmx brings in.
import "media-chrome";
import "media-chrome/menu";

import { CueFeed } from "./feed.js";
import { listenForHotkeys } from "./hotkeys.js";
import { Player } from "./player.js";
import { Memory } from "./position.js";
import { enhanceShare } from "./share.js";
import { clock } from "./times.js";
import { TranscriptPanel } from "./transcript.js";

export function enhanceWatchPage(root) {
  new WatchPage(root);
}

class WatchPage {
  constructor(root) {
    this.root = root;
    this.player = null;
    this.feeds = new Map(); // transcript id -> CueFeed
    this.known = new Set(); // ids of the transcripts that were looked at
    this.memory = new Memory(root.dataset);
    this.panel = new TranscriptPanel(root.querySelector("[data-transcript]"), (seconds) => this.jump(seconds));
    this.share = enhanceShare(root.querySelector("[data-share]"), root.dataset.shareUrl, () => this.nowS);
    this.takePlayer();
    this.takeTracks();
    this.enhanceKeys();
    this.watchForChanges();
  }

  /** The status part asks for itself again just as long as a stage is at work. */
  get isProcessing() {
    return document.getElementById("living")?.hasAttribute("hx-get") ?? false;
  }

  get nowS() {
    return this.player?.video.currentTime ?? Number(this.root.dataset.startMs ?? 0) / 1000;
  }

  /** The player is there from the start, or comes when the video can be played. */
  takePlayer() {
    const element = document.getElementById("player");
    if (!element?.querySelector("video") || this.player?.root === element) return;
    this.player = new Player(element);
    const { video } = this.player;
    for (const feed of this.feeds.values()) this.player.attach(feed);
    const asked = this.root.dataset.startMs;
    if (asked !== undefined) this.player.seek(Number(asked) / 1000);
    else this.resume();
    this.memory.follow(video);
    const follow = () => {
      this.panel.follow(video.currentTime);
      if (!video.paused && !video.ended && video.isConnected) requestAnimationFrame(follow);
    };
    video.addEventListener("play", follow);
    video.addEventListener("seeked", follow);
    video.addEventListener("timeupdate", () => this.share.update());
  }

  resume() {
    const seconds = this.memory.resumeS;
    if (!seconds) return;
    this.player.seek(seconds);
    const note = this.root.querySelector("[data-resumed]");
    note.querySelector("[data-resumed-at]").textContent = clock(seconds);
    note.hidden = false;
    note.querySelector("[data-start-over]").addEventListener("click", () => {
      this.player.seek(0);
      note.hidden = true;
    });
  }

  /** Goes to a second and plays. False where there is no player. */
  jump(seconds) {
    if (!this.player) return false;
    this.player.seek(seconds);
    // Refused where the browser wants a click on the player itself first: then it stands at the right second.
    this.player.video.play().catch(() => {});
    return true;
  }

  /** Looks at the transcripts that the server tells of, and follows those that this page does not have whole. */
  takeTracks() {
    const tracks = JSON.parse(document.getElementById("living")?.dataset.tracks ?? "[]");
    for (const track of tracks) {
      if (this.known.has(track.id)) continue;
      this.known.add(track.id);
      if (this.player?.hasFileOf(track.id) && track.is_complete) this.fillPanel(track);
      else this.follow(track);
    }
  }

  /** The player reads the transcript from its file; the panel may have a part of it only. */
  fillPanel(track) {
    if (this.panel.transcriptId !== track.id || this.panel.isWhole) return;
    new CueFeed(track, (cues) => this.panel.add(cues), () => false).start();
  }

  /** The transcript grows, or came after the page: its cues go into panel and player as they come. */
  follow(track) {
    let wasShowing = null;
    for (const [id, feed] of this.feeds) {
      if (feed.track.language !== track.language) continue;
      feed.stop();
      this.feeds.delete(id);
      wasShowing = this.player?.drop(id) ?? null;
    }
    const { transcriptId, language } = this.panel;
    const isForPanel = !transcriptId || transcriptId === track.id || language === track.language;
    if (isForPanel && transcriptId !== track.id) {
      if (transcriptId) wasShowing = this.player?.drop(transcriptId) ?? wasShowing;
      this.panel.begin(track);
    }
    const add = (cues) => {
      if (isForPanel) this.panel.add(cues);
    };
    const feed = new CueFeed(track, add, () => this.isProcessing);
    this.feeds.set(track.id, feed);
    this.player?.attach(feed, wasShowing);
    feed.start();
  }

  watchForChanges() {
    const said = this.root.querySelector("[data-said]");
    document.body.addEventListener("htmx:afterSettle", () => {
      this.takePlayer();
      this.takeTracks();
      const now = document.getElementById("living")?.dataset.saidNow ?? "";
      if (said.textContent !== now) said.textContent = now;
    });
    // Deleted or made private meanwhile: asking again each second would help nobody.
    document.body.addEventListener("htmx:responseError", (event) => {
      if (event.detail.xhr.status === 404 && event.detail.elt.id === "living") {
        event.detail.elt.remove();
        said.textContent = "This video is no longer there.";
      }
    });
  }

  enhanceKeys() {
    const dialog = document.querySelector("[data-keys]");
    const show = () => dialog.showModal();
    const button = this.root.querySelector("[data-show-keys]");
    button.hidden = false;
    button.addEventListener("click", show);
    listenForHotkeys(() => this.player, show);
  }
}
