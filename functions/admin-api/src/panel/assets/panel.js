// What the panel does beyond links and forms: copy, keep relative times fresh, follow what is running.
"use strict";

// Buttons that need this script are hidden without it.
function prepare() {
  document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
  const tab = document.querySelector(".tabs [aria-current]");
  if (tab) tab.scrollIntoView({ block: "nearest", inline: "center" });
  const focus = document.querySelector("[autofocus]");
  if (focus) focus.focus();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const code = button.parentElement.querySelector("code");
  await navigator.clipboard.writeText(code.textContent);
  const words = button.firstChild;
  const before = words.data;
  words.data = "Copied";
  setTimeout(() => { words.data = before; }, 2000);
});

// The same steps as look/time.rs.
function distance(seconds) {
  const length = Math.abs(seconds);
  if (length < 5) return "just now";
  const text = length < 60 ? `${length} s`
    : length < 3600 ? `${Math.floor(length / 60)} min`
    : length < 172800 ? `${Math.floor(length / 3600)} h`
    : `${Math.floor(length / 86400)} days`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

setInterval(() => {
  if (document.hidden) return;
  document.querySelectorAll("time[datetime]").forEach((time) => {
    const seconds = Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (!Number.isNaN(seconds) && time.firstChild) time.firstChild.data = distance(seconds);
  });
}, 10000);

// A part of a page that is running asks for itself again, until the server sends it without
// `data-live`. Nobody looks at a hidden page, so it waits.
setInterval(() => {
  if (document.hidden) return;
  document.querySelectorAll("[data-live]").forEach((part) => { htmx.trigger(part, "live"); });
}, 2000);

// Where the response is another page, the part stays. After a sign-out, that page is the form that
// signs in: the whole page asks for it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr } = event.detail;
  if (!target.matches("[data-live]") || xhr.responseText.includes(`id="${target.id}"`)) return;
  event.detail.shouldSwap = false;
  if (xhr.status === 200) location.reload();
});

document.addEventListener("DOMContentLoaded", prepare);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === document.body) prepare();
  else document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
});
