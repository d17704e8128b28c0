// "/" goes to the search box; filters of the search page apply as they are clicked.
import { isTyping } from "./hotkeys.js";

export function enhanceSearch(root) {
  root.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const input = root.getElementById("search-input");
    if (!input) return;
    event.preventDefault();
    input.focus();
    input.select();
  });

  // Beside the results where there is room, folded above them where there is not.
  const fold = root.querySelector(".filter-fold");
  if (fold && window.matchMedia("(min-width: 60.01rem)").matches) fold.open = true;

  const filters = root.querySelector("form[data-filters]");
  // With a pointer a choice applies at once. By keyboard one passes other choices on the way: there the button applies.
  let isByPointer = false;
  filters?.addEventListener("pointerdown", () => (isByPointer = true));
  filters?.addEventListener("keydown", () => (isByPointer = false));
  filters?.addEventListener("change", (event) => {
    if (isByPointer && event.target.matches("select, input[type=radio]")) filters.requestSubmit();
  });
  // An address that is shared should say what is asked, and nothing of what is not.
  filters?.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value || (name === "sort" && value === "relevance")) formData.delete(name);
  });
}
