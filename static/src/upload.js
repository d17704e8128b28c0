// The upload form: drag and drop, checks before a byte is sent, progress with speed and time left, cancel.

export function enhanceUpload(form) {
  new UploadForm(form);
}

const SPEED_OVER_MS = 4000;

class UploadForm {
  constructor(form) {
    this.form = form;
    this.file = form.querySelector("input[type=file]");
    this.zone = form.querySelector("[data-drop-zone]");
    this.chosen = form.querySelector("[data-chosen]");
    this.progress = form.querySelector("[data-progress]");
    this.bar = this.progress.querySelector("progress");
    this.text = this.progress.querySelector("[data-progress-text]");
    this.said = this.progress.querySelector("[data-progress-said]");
    this.send = form.querySelector("[data-send]");
    this.request = null;
    form.querySelector("[data-drop-hint]").hidden = false;
    form.noValidate = true; // the same in our words, beside the field
    this.file.addEventListener("change", () => this.choose());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    form.querySelector("[data-cancel]").addEventListener("click", () => this.request?.abort());
    this.acceptDrops();
    window.addEventListener("beforeunload", (event) => this.request && event.preventDefault());
  }

  acceptDrops() {
    let depth = 0;
    const mark = (isOver) => this.zone.classList.toggle("is-over", isOver);
    // The whole page takes the file: one dropped beside the zone would otherwise replace the page.
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) return;
      depth += 1;
      mark(true);
    });
    document.addEventListener("dragleave", () => {
      depth = Math.max(0, depth - 1);
      if (!depth) mark(false);
    });
    document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return; // words dragged into a field are the browser's affair
      event.preventDefault();
      depth = 0;
      mark(false);
      const { files } = event.dataTransfer;
      if (!files.length || this.request) return;
      if (files.length > 1) return this.showErrors({ file: ["Drop one video at a time."] });
      this.file.files = files;
      this.choose();
    });
  }

  choose() {
    const file = this.file.files[0];
    this.chosen.textContent = file ? `${file.name}, ${inBytes(file.size)}` : "";
    this.showErrors(file ? this.problemsOf(file) : {});
    const title = this.form.elements.title;
    if (file && title && !title.value) title.placeholder = file.name.replace(/\.[^.]*$/, "").replaceAll("_", " ");
  }

  /** What the server would refuse, told before a gigabyte has been sent. The limits are the server's. */
  problemsOf(file) {
    const { maxBytes, leftBytes, extensions } = this.form.dataset;
    const allowed = extensions.split(" ");
    const extension = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
    const problems = [];
    if (!allowed.includes(extension)) {
      problems.push(`“${file.name}” is not a kind of video that this portal takes. It takes: ${allowed.join(", ")}.`);
    }
    if (file.size === 0) problems.push("The file is empty: choose another one.");
    if (file.size > Number(maxBytes)) {
      problems.push(`The file is larger than the ${inBytes(Number(maxBytes))} that this portal takes.`);
    } else if (leftBytes !== undefined && file.size > Number(leftBytes)) {
      problems.push(`You have ${inBytes(Number(leftBytes))} left. Delete a video that you no longer need.`);
    }
    return problems.length ? { file: problems } : {};
  }

  submit() {
    if (this.request) return;
    const file = this.file.files[0];
    const problems = file ? this.problemsOf(file) : { file: ["Choose a video file first."] };
    this.showErrors(problems);
    if (problems.file) return this.file.focus();
    const request = new XMLHttpRequest();
    this.request = request;
    this.samples = [[performance.now(), 0]];
    request.open("POST", this.form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => this.showProgress(event.loaded, event.total));
    request.upload.addEventListener("load", () => this.showChecking());
    request.addEventListener("load", () => this.answered(request));
    request.addEventListener("error", () =>
      this.end({ file: ["The connection was lost, or the portal closed it. Nothing was kept: please try again."] }),
    );
    request.addEventListener("abort", () => this.end({}, "Cancelled. Nothing was kept."));
    const body = new FormData(this.form);
    this.setBusy(true);
    this.showProgress(0, file.size);
    this.say("Uploading.");
    request.send(body);
  }

  answered(request) {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // Not from the portal but from what stands before it; the status says enough.
    }
    if (request.status === 201 && answer.url) {
      this.request = null;
      window.location.assign(answer.url);
      return;
    }
    const errors = answer.errors ?? { file: [`The portal refused the upload (${request.status}). Please try again.`] };
    this.end(errors, "The upload was refused.", answer.existing);
  }

  end(errors, said = "", existing = "") {
    this.request = null;
    this.setBusy(false);
    this.showErrors(errors, existing);
    if (said) {
      this.chosen.textContent = said;
      this.say(said);
    }
    (Object.keys(errors).length ? this.file : this.send).focus();
  }

  setBusy(isBusy) {
    this.progress.hidden = !isBusy;
    this.send.disabled = isBusy;
    this.zone.classList.toggle("is-busy", isBusy);
    if (isBusy) this.progress.querySelector("[data-cancel]").focus();
  }

  showProgress(loaded, total) {
    const now = performance.now();
    this.samples.push([now, loaded]);
    while (this.samples.length > 2 && now - this.samples[0][0] > SPEED_OVER_MS) this.samples.shift();
    const [since, before] = this.samples[0];
    const perSecond = now > since ? ((loaded - before) / (now - since)) * 1000 : 0;
    const share = total ? Math.floor((loaded / total) * 100) : 0;
    this.bar.value = share;
    const parts = [`${share} %`, `${inBytes(loaded)} of ${inBytes(total)}`];
    if (perSecond > 0) {
      parts.push(`${inBytes(perSecond)} per second`, loaded < total ? `${inTime((total - loaded) / perSecond)} left` : "");
    }
    this.text.textContent = parts.filter(Boolean).join(" · ");
    const quarter = Math.floor(share / 25);
    if (quarter && quarter !== this.saidQuarter) this.say(`${quarter * 25} percent`);
    this.saidQuarter = quarter;
  }

  showChecking() {
    this.bar.removeAttribute("value");
    this.text.textContent = "Sent. The portal looks at the file …";
    this.say("Sent. The portal looks at the file.");
  }

  say(text) {
    this.said.textContent = text;
  }

  showErrors(errors, existing = "") {
    for (const field of this.form.querySelectorAll("[data-field]")) {
      const problems = errors[field.dataset.field] ?? [];
      let list = field.querySelector("[data-errors], .errorlist");
      if (!list && problems.length) {
        list = document.createElement("ul");
        list.className = "errorlist";
        list.dataset.errors = "";
        const alert = document.createElement("div");
        alert.setAttribute("role", "alert");
        alert.append(list);
        field.append(alert);
      }
      list?.replaceChildren(...problems.map((problem) => item(problem)));
      for (const input of field.querySelectorAll("input, textarea, select")) {
        if (problems.length) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    }
    const general = errors.__all__ ?? [];
    const files = this.form.querySelector('[data-field="file"] [data-errors]');
    files.append(...general.map((problem) => item(problem)));
    if (existing) {
      const link = document.createElement("a");
      link.href = existing;
      link.textContent = "Open it";
      files.append(item(link));
    }
  }
}

function item(content) {
  const element = document.createElement("li");
  element.append(content);
  return element;
}

/** In the units of the server's own sentences. */
function inBytes(bytes) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let index = 0;
  let value = bytes;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${index ? value.toFixed(1) : Math.round(value)} ${units[index]}`;
}

function inTime(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}
