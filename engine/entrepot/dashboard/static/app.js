// What a page does beside being read: the Live switch, polling where no stream gets through, copying. Nothing of it is needed.
(() => {
  "use strict";
  const KEY = "entrepot.live";
  const POLL_MILLISECONDS = 5000;
  const GIVE_UP_AFTER = 3; // failures of the stream in a row, until the page is polled

  const main = document.getElementById("main");
  const box = document.querySelector("[data-live]");
  let source = null;
  let failures = 0;
  let poll = 0;

  // -- what somebody has ticked, opened or reached must survive that its part of the page is replaced
  let kept = null;
  const place = (element) => element && element.id ? `#${CSS.escape(element.id)}` : null;
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (!isOn()) { event.preventDefault(); return; }
    kept = keep(event.target);
  });
  document.addEventListener("htmx:sseMessage", (event) => restore(event.target));

  function keep(part) {
    const active = part.contains(document.activeElement) ? document.activeElement : null;
    const scroll = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    return {
      ticked: [...part.querySelectorAll("input[type=checkbox]:checked")].map((one) => one.value),
      open: [...part.querySelectorAll("details[open][id]")].map((one) => one.id),
      focus: active && (place(active) || (active.href && `a[href="${CSS.escape(active.getAttribute("href"))}"]`)
        || (active.name && `[name="${CSS.escape(active.name)}"][value="${CSS.escape(active.value)}"]`)),
      scroll,
    };
  }

  function restore(part) {
    if (!kept) return;
    for (const one of part.querySelectorAll("input[type=checkbox]")) if (kept.ticked.includes(one.value)) one.checked = true;
    for (const id of kept.open) { const one = document.getElementById(id); if (one) one.open = true; }
    [...part.querySelectorAll(".scroll")].forEach((one, index) => { one.scrollLeft = kept.scroll[index] || 0; });
    if (kept.focus) { const one = part.querySelector(kept.focus); if (one) one.focus({ preventScroll: true }); }
    kept = null;
    dress(part);
  }

  // -- the Live switch
  function isOn() { return localStorage.getItem(KEY) !== "off"; }
  function say(text) { const state = box && box.querySelector("[data-live-state]"); if (state && state.textContent !== text) state.textContent = text; }

  function opened(event) {
    source = event.detail.source;
    failures = 0;
    clearInterval(poll);
    poll = 0;
    source.addEventListener("reload", () => { event.detail.source.close(); location.reload(); });
    if (isOn()) say("connected"); else stop();
  }

  function failed() {
    failures += 1;
    if (!isOn()) return;
    if (failures < GIVE_UP_AFTER) { say("connecting again"); return; }
    if (poll) return;
    say("asking every 5 s");
    poll = setInterval(ask, POLL_MILLISECONDS);
  }

  async function ask() {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[sse-swap]")) {
        const fresh = page.getElementById(part.id);
        if (!fresh || fresh.innerHTML === part.innerHTML) continue;
        kept = keep(part);
        part.replaceChildren(...fresh.childNodes);
        restore(part);
      }
      say("asking every 5 s");
    } catch { say("the server does not answer; it is asked every 5 s"); }
  }

  function stop() {
    if (source) source.close();
    clearInterval(poll);
    poll = 0;
    say("off");
  }

  if (box && main) {
    box.hidden = false;
    document.querySelector("[data-reload]").hidden = true;
    const tick = box.querySelector("input");
    tick.checked = isOn();
    if (!isOn()) { main.removeAttribute("sse-connect"); say("off"); }
    tick.addEventListener("change", () => {
      localStorage.setItem(KEY, tick.checked ? "on" : "off");
      if (tick.checked) location.reload(); else stop();
    });
    document.addEventListener("htmx:sseOpen", opened);
    document.addEventListener("htmx:sseError", failed);
  }

  // -- copying, and ticking all
  function dress(part) {
    for (const one of part.querySelectorAll("[data-copy]")) one.hidden = false;
    for (const one of part.querySelectorAll("[data-tick-all]")) one.closest("[hidden]")?.removeAttribute("hidden");
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the text to copy it";
    }
    setTimeout(() => { button.textContent = words; }, 2000);
  });

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-tick-all]")) return;
    const table = event.target.closest("table");
    for (const one of table.querySelectorAll("tbody input[type=checkbox]")) one.checked = event.target.checked;
  });

  dress(document);
})();
