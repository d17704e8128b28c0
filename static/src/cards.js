// A short silent preview while the pointer rests on a poster.

const REST_MS = 350;

export function enhanceCards(root) {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let waiting;

  root.addEventListener("pointerover", (event) => {
    const poster = event.target.closest?.("[data-preview]");
    if (!poster || event.pointerType === "touch" || calm.matches || poster.querySelector("video")) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => show(poster), REST_MS);
  });

  root.addEventListener("pointerout", (event) => {
    const poster = event.target.closest?.("[data-preview]");
    if (!poster || poster.contains(event.relatedTarget)) return;
    clearTimeout(waiting);
    poster.querySelector("video")?.remove();
  });
}

function show(poster) {
  const preview = document.createElement("video");
  Object.assign(preview, { src: poster.dataset.preview, muted: true, loop: true, playsInline: true });
  preview.addEventListener("playing", () => preview.classList.add("is-playing"));
  preview.addEventListener("error", () => preview.remove());
  poster.append(preview);
  // Refused where the browser forbids it to play by itself: then the poster stays.
  preview.play().catch(() => preview.remove());
}
