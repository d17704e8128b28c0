// The front end: htmx for the living parts, and what scripts add to pages that work without them.
import "htmx.org";

import { enhanceCards } from "./cards.js";
import { enhanceSearch } from "./search.js";
import { enhanceSuggestions } from "./suggestions.js";
import "./styles.css";

enhanceSearch(document);
enhanceSuggestions(document.querySelector(".search-box"));
enhanceCards(document);

const upload = document.querySelector("form[data-upload]");
if (upload) import("./upload.js").then(({ enhanceUpload }) => enhanceUpload(upload));

// The player is most of the code: pages without one do not load it.
const watch = document.querySelector("[data-watch]");
if (watch) import("./watch.js").then(({ enhanceWatchPage }) => enhanceWatchPage(watch));
