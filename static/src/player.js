// The <video> inside media-chrome's controller: its caption tracks, live ones included, and where it starts.

const CAPTIONS_KEY = "videoportal:captions";

export function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is forbidden in this browser
  }
}

export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is full or forbidden: nothing is remembered, and all else works.
  }
}

export class Player {
  /** `root` is #player, with a <video> in it. */
  constructor(root) {
    this.root = root;
    this.controller = root.querySelector("media-controller");
    this.video = root.querySelector("video");
    this.video.controls = false; // media-chrome draws them; the browser's own are for pages without scripts
    this.liveTracks = new Map(); // transcript id -> TextTrack
    // media-chrome gives its captions button a checked state, which the role it also gives it does not have.
    this.controller.querySelector("media-captions-button")?.setAttribute("role", "switch");
    this.restoreCaptionsChoice();
    this.video.textTracks.addEventListener("change", () => this.rememberCaptionsChoice());
  }

  get captionTracks() {
    return [...this.video.textTracks].filter((track) => track.kind === "captions" || track.kind === "subtitles");
  }

  /**
   * The feed's cues become, and go on becoming, a track of the player, in place of what the server put there.
   * `isShown`: null leaves it to what the person chose.
   */
  attach(feed, isShown = null) {
    const { id, language, label } = feed.track;
    if (this.liveTracks.has(id)) return;
    const file = this.fileOf(id);
    const isFirst = this.captionTracks.length === 0 || file?.default === true;
    const track = this.video.addTextTrack("captions", label, language);
    track.mode = (isShown ?? (isFirst && kept(CAPTIONS_KEY) !== "off")) ? "showing" : "disabled";
    file?.remove();
    this.liveTracks.set(id, track);
    const add = (cues) => {
      // A disabled track takes cues, but shows none of them to scripts.
      for (const cue of cues) track.addCue(new VTTCue(cue.start_ms / 1000, cue.end_ms / 1000, escaped(cue.text)));
    };
    add(feed.cues);
    feed.listeners.push(add);
  }

  fileOf(id) {
    return this.root.querySelector(`track[data-track="${id}"]`);
  }

  /** Whether the player reads this transcript from its WebVTT file. */
  hasFileOf(id) {
    return this.fileOf(id) !== null;
  }

  /** Takes away what another transcript in the same language replaced; returns whether it was shown (null: unknown). */
  drop(id) {
    const file = this.fileOf(id);
    const track = file?.track ?? this.liveTracks.get(id);
    if (!track) return null;
    const wasShowing = track.mode === "showing";
    file?.remove();
    if (!file) {
      track.mode = "hidden"; // so that its cues can be reached
      for (const cue of [...(track.cues ?? [])]) track.removeCue(cue);
      track.mode = "disabled";
    }
    return wasShowing;
  }

  captions() {
    const tracks = this.captionTracks;
    const showing = tracks.filter((track) => track.mode === "showing");
    if (showing.length) for (const track of showing) track.mode = "disabled";
    else if (tracks.length) tracks[0].mode = "showing";
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    // Refused where no key or click asked for it.
    else this.controller.requestFullscreen?.().catch(() => {});
  }

  /** Plays from `seconds`, also when the browser knows nothing of the video yet. */
  seek(seconds) {
    const go = () => {
      this.video.currentTime = seconds;
    };
    if (this.video.readyState >= HTMLMediaElement.HAVE_METADATA) go();
    else this.video.addEventListener("loadedmetadata", go, { once: true });
  }

  restoreCaptionsChoice() {
    if (kept(CAPTIONS_KEY) !== "off") return;
    for (const track of this.root.querySelectorAll("track[kind=captions][default]")) {
      track.default = false;
      track.track.mode = "disabled";
    }
  }

  rememberCaptionsChoice() {
    const tracks = this.captionTracks;
    if (tracks.length) keep(CAPTIONS_KEY, tracks.some((track) => track.mode === "showing") ? "on" : "off");
  }
}

/** VTTCue reads its text as WebVTT: what was said must not become markup. */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
