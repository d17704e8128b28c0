// The keys of the watch page, as people know them from elsewhere. The list of them: templates/watch/_keys.html

const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const FRAME_S = 1 / 30; // no browser tells a video's frame rate; most have 24 to 30 frames per second
const ACTIVATED_BY_SPACE = "a, button, summary, [role=button], [role=menuitem], [role=menuitemradio]";
const MOVED_BY_ARROWS = "[role=menu], [role=slider], [role=radiogroup], [role=tablist]";

function path(event) {
  return event.composedPath().filter((each) => each instanceof Element);
}

/** The keys belong to a field that the person types into, or to an open dialog. */
export function isTyping(event) {
  return path(event).some(
    (each) =>
      each.matches("textarea, select, dialog[open], [contenteditable='']") ||
      (each.matches("input") && !["checkbox", "radio", "button", "submit", "range"].includes(each.type)),
  );
}

function isTakenByFocus(event) {
  const elements = path(event);
  if (event.key === " " || event.key === "Enter") {
    return elements.some((each) => each.matches(ACTIVATED_BY_SPACE) || each.localName.endsWith("-button"));
  }
  if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") {
    return elements.some(
      (each) =>
        each.matches(MOVED_BY_ARROWS) ||
        (each.matches("input") && ["range", "radio"].includes(each.type)) ||
        each.localName.endsWith("-range") ||
        each.localName.endsWith("-menu") ||
        (each.matches("[data-scroll]") && !event.key.endsWith("Left") && !event.key.endsWith("Right")),
    );
  }
  return false;
}

/** What each key does to the video. `player` has `video`, `captions()` and `fullscreen()`. */
function actions(player, showKeys) {
  const { video } = player;
  const seek = (seconds) => {
    const end = Number.isFinite(video.duration) ? video.duration : seconds;
    video.currentTime = Math.min(Math.max(seconds, 0), end);
  };
  const by = (seconds) => () => seek(video.currentTime + seconds);
  const toggle = () => (video.paused ? void video.play().catch(() => {}) : video.pause());
  const volume = (change) => () => {
    video.volume = Math.min(Math.max(video.volume + change, 0), 1);
    video.muted = video.volume === 0;
  };
  const rate = (step) => () => {
    const nearest = RATES.reduce((best, each) =>
      Math.abs(each - video.playbackRate) < Math.abs(best - video.playbackRate) ? each : best,
    );
    video.playbackRate = RATES[Math.min(Math.max(RATES.indexOf(nearest) + step, 0), RATES.length - 1)];
  };
  const frame = (direction) => () => video.paused && seek(video.currentTime + direction * FRAME_S);
  const table = {
    " ": toggle,
    k: toggle,
    j: by(-10),
    l: by(10),
    ArrowLeft: by(-5),
    ArrowRight: by(5),
    ArrowUp: volume(0.05),
    ArrowDown: volume(-0.05),
    Home: () => seek(0),
    End: () => seek(video.duration),
    m: () => (video.muted = !video.muted),
    c: () => player.captions(),
    f: () => player.fullscreen(),
    "<": rate(-1),
    ">": rate(1),
    ",": frame(-1),
    ".": frame(1),
    "?": showKeys,
  };
  for (let digit = 0; digit <= 9; digit += 1) {
    table[digit] = () => Number.isFinite(video.duration) && seek((video.duration * digit) / 10);
  }
  return table;
}

/** `currentPlayer()` is the player that the page shows now, or null while there is none. */
export function listenForHotkeys(currentPlayer, showKeys) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event) || isTakenByFocus(event)) return;
    const player = currentPlayer();
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = player ? actions(player, showKeys)[key] : key === "?" ? showKeys : null;
    if (!action) return;
    event.preventDefault();
    action();
  });
}
