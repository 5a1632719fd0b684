// What the panel does beyond links and forms: copy, keep relative times fresh, follow what is running.
"use strict";

// Buttons that need this script are hidden without it.
function prepare() {
  document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });
  const tab = document.querySelector(".tabs [aria-current]");
  if (tab) {
    // Only the list scrolls: the page may be at a fragment.
    const list = tab.closest("ul");
    list.scrollLeft += tab.getBoundingClientRect().left - list.getBoundingClientRect().left
      - (list.clientWidth - tab.offsetWidth) / 2;
  }
  // What was done is told once: not after a reload, and not to whom the URL is sent.
  const url = new URL(location);
  if (url.searchParams.has("done")) {
    url.searchParams.delete("done");
    history.replaceState(history.state, "", url);
  }
  const focus = document.querySelector("[autofocus]");
  if (focus) focus.focus();
  return Boolean(focus);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || button.dataset.copy) return;
  const words = button.firstChild;
  const before = words.data;
  button.dataset.copy = "copied";
  try {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    words.data = "Copied";
  } catch {
    words.data = "Not copied";
  }
  document.getElementById("announced").textContent = words.data;
  setTimeout(() => { words.data = before; button.dataset.copy = ""; }, 2000);
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

// Whether somebody is at a part: text is selected there, or the focus is on what has no id. (htmx
// gives the focus back to what has one.)
function isUsed(part) {
  const ids = [`#${part.id}`, part.getAttribute("hx-select-oob")].filter(Boolean).join();
  const [focus, selection] = [document.activeElement, getSelection()];
  return [...document.querySelectorAll(ids)].some((used) => (used.contains(focus) && !focus.id)
    || (!selection.isCollapsed && selection.containsNode(used, true)));
}

// A part of a page that is running asks for itself again, until the server sends it without
// `data-live`. Nobody looks at a hidden page, so it waits.
setInterval(() => {
  if (document.hidden) return;
  document.querySelectorAll("[data-live]").forEach((part) => { if (!isUsed(part)) htmx.trigger(part, "live"); });
}, 2000);

// A part stays where it is the same. It stays as well where the response is another page. After a
// sign-out, that page is the form that signs in: the whole page asks for it.
const isSame = (before, after) => Boolean(after.dataset.version) && after.dataset.version === before.dataset.version
  && after.hasAttribute("data-live") === before.hasAttribute("data-live");
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr } = event.detail;
  if (!target.matches("[data-live]")) return;
  const after = new DOMParser().parseFromString(xhr.responseText, "text/html").getElementById(target.id);
  if (!after || isUsed(target) || isSame(target, after)) event.detail.shouldSwap = false;
  if (!after && xhr.status === 200) location.reload();
});
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (isSame(target, fragment.firstElementChild)) event.detail.shouldSwap = false;
});

document.addEventListener("DOMContentLoaded", prepare);
// Another page begins at its content, as one that the browser loads begins at its top.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === document.body) prepare() || document.getElementById("main").focus({ preventScroll: true });
  else document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });
});
