// A link to the video, at the second that is playing if wanted.
import { clock, linkTime } from "./times.js";

/** `now()` gives the seconds that play now. */
export function enhanceShare(root, shareUrl, now) {
  const link = root.querySelector("#share-link");
  const copy = root.querySelector("[data-copy]");
  const time = root.querySelector("[data-share-time]");
  const atTime = time.querySelector("input");
  const at = root.querySelector("[data-share-at]");
  const copied = root.querySelector("[data-copied]");

  const update = () => {
    const seconds = now();
    at.textContent = clock(seconds);
    link.value = atTime.checked ? `${shareUrl}?t=${linkTime(seconds)}` : shareUrl;
  };

  time.hidden = false;
  copy.hidden = false;
  atTime.addEventListener("change", update);
  root.closest("details").addEventListener("toggle", update);
  link.addEventListener("focus", () => link.select());
  copy.addEventListener("click", async () => {
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
    } catch {
      document.execCommand("copy"); // pages that are not served over https have no clipboard
    }
    copy.textContent = "Copied";
    copied.textContent = "The link was copied.";
    setTimeout(() => {
      copy.textContent = "Copy";
      copied.textContent = "";
    }, 2500);
  });
  return { update: () => root.closest("details").open && update() };
}
