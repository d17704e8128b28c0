// Times in a video as people write and read them. See also apps/pages/times.py, the twin on the server.

const UNITS = /^(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s?)?$/;
const CLOCK = /^(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:\.\d{1,3})?)$/;

/** Seconds that `1m30s`, `90` or `1:30` stands for; null where it is no time. */
export function parseTime(text) {
  const trimmed = (text ?? "").trim().toLowerCase();
  const match = CLOCK.exec(trimmed) ?? UNITS.exec(trimmed);
  if (!trimmed || !match) return null;
  return Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0);
}

function parts(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
}

const two = (number) => String(number).padStart(2, "0");

/** `1:05` or `1:02:03`. */
export function clock(seconds) {
  const [hours, minutes, rest] = parts(seconds);
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `1m5s`, for the `?t=` of a shared link. */
export function linkTime(seconds) {
  const [hours, minutes, rest] = parts(seconds);
  return (hours ? `${hours}h` : "") + (minutes ? `${minutes}m` : "") + (rest ? `${rest}s` : "") || "0s";
}
