// Suggestions below the search box: a combobox with a list that opens by itself (ARIA Authoring Practices, "list
// autocomplete with manual selection"). htmx asks for them; without scripts the box is a plain field of a form.

import htmx from "htmx.org";

export function enhanceSuggestions(form) {
  new Suggestions(form);
}

class Suggestions {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=search]");
    this.list = form.querySelector("[role=listbox]");
    this.said = form.querySelector("[data-suggestions-said]");
    this.typed = this.input.value;
    this.chosen = -1; // none: what was typed
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
    for (const [name, value] of Object.entries(roles)) this.input.setAttribute(name, value);

    this.list.addEventListener("htmx:afterSwap", () => this.arrived());
    this.input.addEventListener("input", () => {
      this.typed = this.input.value;
      if (!this.typed.trim()) this.close();
    });
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("blur", () => this.close());
    // Before the blur that the press would bring, and that would close the list under the pointer.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option) return;
      this.input.value = option.textContent;
      form.requestSubmit();
    });
    form.addEventListener("submit", () => this.close());
  }

  get options() {
    return [...this.list.children];
  }

  get isOpen() {
    return !this.list.hidden;
  }

  arrived() {
    const { length } = this.options;
    if (!length || !this.typed.trim() || document.activeElement !== this.input) {
      this.close();
      return;
    }
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.choose(-1);
    this.said.textContent = length === 1 ? "One suggestion" : `${length} suggestions`;
  }

  close() {
    // An answer that is still on its way must not open it again.
    htmx.trigger(this.input, "htmx:abort");
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.choose(-1);
    this.said.textContent = "";
  }

  pressed(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.isOpen) {
      event.preventDefault(); // the first Escape closes the list, a second one empties the field
      this.input.value = this.typed;
      this.close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.options.length) return;
      event.preventDefault();
      if (!this.isOpen) this.arrived();
      else this.step(event.key === "ArrowDown" ? 1 : -1);
    }
  }

  /** Round through the suggestions and what was typed. */
  step(by) {
    const places = this.options.length + 1;
    this.choose(((this.chosen + 1 + by + places) % places) - 1);
    this.input.value = this.chosen < 0 ? this.typed : this.options[this.chosen].textContent;
  }

  choose(index) {
    this.chosen = index;
    for (const [place, option] of this.options.entries()) option.setAttribute("aria-selected", String(place === index));
    const option = this.options[index];
    if (option) {
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }
}
